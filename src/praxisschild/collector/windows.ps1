# Reads C# from standard input, compiles it as Windows PowerShell 5.1 does, and lets it print the snapshot. Nothing stays on the host.
$ErrorActionPreference = 'Stop'
$packed = [Convert]::FromBase64String(($input | Out-String).Trim())
$stream = New-Object -TypeName IO.MemoryStream -ArgumentList (, $packed)
$unpacked = New-Object -TypeName IO.Compression.GZipStream -ArgumentList $stream, ([IO.Compression.CompressionMode]::Decompress)
$text = (New-Object -TypeName IO.StreamReader -ArgumentList $unpacked, ([Text.Encoding]::UTF8)).ReadToEnd()
$parameters = New-Object -TypeName CodeDom.Compiler.CompilerParameters
$parameters.GenerateInMemory = $true
foreach ($name in 'System.dll', 'System.Core.dll', 'System.Xml.dll', 'System.Management.dll', 'System.Web.Extensions.dll', [psobject].Assembly.Location) {
    [void]$parameters.ReferencedAssemblies.Add($name)
}
$result = (New-Object -TypeName Microsoft.CSharp.CSharpCodeProvider).CompileAssemblyFromSource($parameters, $text.Split([char]0))
if ($result.Errors.HasErrors) {
    throw ($result.Errors | Out-String)
}
[void]$result.CompiledAssembly.GetType('Ansible.Praxisschild.Snapshot.Collector').GetMethod('Print').Invoke($null, $null)
