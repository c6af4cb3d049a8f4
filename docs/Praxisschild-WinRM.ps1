#Requires -Version 5.1
<#
.SYNOPSIS
Richtet auf diesem Windows-PC die Fernverwaltung für Praxisschild ein, prüft sie oder macht sie rückgängig.

.DESCRIPTION
Einmal an jedem PC ausführen, in Windows PowerShell 5.1 »Als Administrator«. Danach gilt:

- Der Dienst WinRM startet mit dem PC und nimmt Verbindungen nur über HTTPS an (Port 5986).
- Die Firewall lässt dorthin nur das Verwaltungsnetz.
- Ein eigenes lokales Konto (oder ein Konto der Domäne) darf den PC verwalten.
- Kennwörter im Klartext (Basic) und unverschlüsselte Nachrichten sind aus.

Ein zweiter Lauf ändert nichts und sagt das. Was vorher war, steht in
%ProgramFiles%\Praxisschild\WinRM-Zustand.json; -Rueckgaengig stellt genau das wieder her.

Exit-Code: 0 in Ordnung, 1 Abweichungen oder etwas ließ sich nicht setzen, 2 falsche Angaben,
3 hier nicht ausführbar.

.PARAMETER Verwaltungsnetz
Adresse oder Netz, von wo aus Praxisschild arbeitet, zum Beispiel 192.168.10.5/32. Mehrere mit Komma.

.PARAMETER Konto
Name des lokalen Kontos, das angelegt wird. Höchstens 20 Zeichen. Vorgabe: praxisschild.

.PARAMETER KennwortErzeugen
Das Kennwort des Kontos wird erzeugt und einmal angezeigt. Ohne diesen Schalter wird danach gefragt.

.PARAMETER NeuesKennwort
Gibt dem Konto, das dieses Skript angelegt hat, ein neues Kennwort.

.PARAMETER Domaenenkonto
Statt eines lokalen Kontos verwaltet dieses Konto der Domäne den PC, zum Beispiel PRAXIS\praxisschild (Kerberos).

.PARAMETER Fingerabdruck
Fingerabdruck (SHA-1, wie Windows ihn anzeigt) eines Zertifikats, das schon im Speicher des Computers liegt.

.PARAMETER PfxDatei
Zertifikat mit privatem Schlüssel als PFX-Datei. Nach ihrem Kennwort wird gefragt.

.PARAMETER Adresse
IP-Adressen und weitere Namen, die im selbst erstellten Zertifikat stehen. Vorgabe: die Adressen des PCs.

.PARAMETER GueltigJahre
So lange gilt ein selbst erstelltes Zertifikat. Vorgabe: 3 Jahre.

.PARAMETER ZertifikatErneuern
Erstellt ein neues Zertifikat, auch wenn das alte noch gilt: nach einem Wechsel von Adresse oder Namen.

.PARAMETER ListenerErsetzen
Ein HTTPS-Listener, den ein anderes Programm eingerichtet hat, darf ersetzt werden.

.PARAMETER Ausgabe
Ordner für den öffentlichen Teil des Zertifikats (PEM). Vorgabe: der Ordner dieses Skripts.

.PARAMETER Pruefen
Zeigt den Zustand und ändert nichts.

.PARAMETER Rueckgaengig
Nimmt alles zurück, was dieses Skript gemacht hat, und nur das.

.EXAMPLE
powershell -ExecutionPolicy RemoteSigned -File .\Praxisschild-WinRM.ps1 -Verwaltungsnetz 192.168.10.5/32 -KennwortErzeugen

.EXAMPLE
powershell -ExecutionPolicy RemoteSigned -File .\Praxisschild-WinRM.ps1 -Pruefen

.EXAMPLE
powershell -ExecutionPolicy RemoteSigned -File .\Praxisschild-WinRM.ps1 -Rueckgaengig

.NOTES
docs/windows-einrichten.md beschreibt jeden Schritt und seine Gründe.
#>
[CmdletBinding(DefaultParameterSetName = 'Einrichten')]
param(
    [Parameter(ParameterSetName = 'Einrichten')]
    [Parameter(ParameterSetName = 'Pruefen')]
    [string[]] $Verwaltungsnetz,

    [Parameter(ParameterSetName = 'Einrichten')]
    [string] $Konto,

    [Parameter(ParameterSetName = 'Einrichten')]
    [switch] $KennwortErzeugen,

    [Parameter(ParameterSetName = 'Einrichten')]
    [switch] $NeuesKennwort,

    [Parameter(ParameterSetName = 'Einrichten')]
    [string] $Domaenenkonto,

    [Parameter(ParameterSetName = 'Einrichten')]
    [string] $Fingerabdruck,

    [Parameter(ParameterSetName = 'Einrichten')]
    [string] $PfxDatei,

    [Parameter(ParameterSetName = 'Einrichten')]
    [string[]] $Adresse,

    [Parameter(ParameterSetName = 'Einrichten')]
    [ValidateRange(1, 10)]
    [int] $GueltigJahre = 3,

    [Parameter(ParameterSetName = 'Einrichten')]
    [switch] $ZertifikatErneuern,

    [Parameter(ParameterSetName = 'Einrichten')]
    [switch] $ListenerErsetzen,

    [Parameter(ParameterSetName = 'Einrichten')]
    [string] $Ausgabe,

    [Parameter(ParameterSetName = 'Pruefen', Mandatory = $true)]
    [switch] $Pruefen,

    [Parameter(ParameterSetName = 'Rueckgaengig', Mandatory = $true)]
    [switch] $Rueckgaengig
)

Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'
# Windows PowerShell does not know it yet while it binds the parameters
if (-not $Ausgabe) { $Ausgabe = $PSScriptRoot }

# The same on every Windows, whatever its language
$AdministratorsSid = 'S-1-5-32-544'
$ServerAuthentication = '1.3.6.1.5.5.7.3.1'
$Port = 5986
$RuleName = 'Praxisschild-WinRM-HTTPS'
$CertificateName = 'Praxisschild WinRM'
$AccountPurpose = 'Praxisschild verwaltet damit diesen PC'
$MachineStore = 'Cert:\LocalMachine\My'
$ListenerUri = 'winrm/config/Listener'
$PolicyKey = 'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\Policies\System'
$LogonScreenKey = 'HKLM:\SOFTWARE\Microsoft\Windows NT\CurrentVersion\Winlogon\SpecialAccounts\UserList'
$VersionKey = 'HKLM:\SOFTWARE\Microsoft\Windows NT\CurrentVersion'
# Only administrators write below Program Files: nobody else can plant a state that an administrator then undoes
$StateFile = Join-Path $env:ProgramFiles 'Praxisschild\WinRM-Zustand.json'

$script:Changed = 0
$script:Failed = 0
$script:Deviating = 0

function Exit-WithReason([int] $Code, [string] $Reason, [string] $WayOut) {
    [Console]::Error.WriteLine("Praxisschild-WinRM: $Reason")
    [Console]::Error.WriteLine("  -> $WayOut")
    exit $Code
}

function Assert-Environment {
    # Properties only until the language mode is known: in the constrained one every method call fails
    if ("$($ExecutionContext.SessionState.LanguageMode)" -ne 'FullLanguage') {
        Write-Host 'Praxisschild-WinRM: PowerShell läuft hier im eingeschränkten Sprachmodus (Constrained Language Mode).'
        Write-Host '  -> Die Anwendungssteuerung (WDAC oder AppLocker) muss dieses Skript erlauben: signieren und freigeben.'
        exit 3
    }
    if ($PSVersionTable.PSEdition -ne 'Desktop') {
        Exit-WithReason 3 'das ist nicht Windows PowerShell 5.1' 'mit powershell.exe starten, nicht mit pwsh.exe'
    }
    if ([Environment]::Is64BitOperatingSystem -and -not [Environment]::Is64BitProcess) {
        Exit-WithReason 3 'das ist die 32-Bit-PowerShell' 'Windows PowerShell ohne den Zusatz (x86) starten'
    }
    $identity = New-Object System.Security.Principal.WindowsPrincipal([System.Security.Principal.WindowsIdentity]::GetCurrent())
    if (-not $identity.IsInRole([System.Security.Principal.WindowsBuiltInRole]::Administrator)) {
        Exit-WithReason 3 'es fehlen Administratorrechte' 'Windows PowerShell mit »Als Administrator ausführen« starten'
    }
}

function New-State {
    [pscustomobject]@{
        Version = 1
        Rechner = $env:COMPUTERNAME
        Verwaltungsnetz = @()
        Konto = ''
        KontoSid = ''
        IstDomaenenkonto = $false
        Fingerabdruck = ''
        PfxSha256 = ''
        Schritte = @()
    }
}

function Read-State {
    if (-not (Test-Path -LiteralPath $StateFile)) { return New-State }
    try {
        $found = Get-Content -LiteralPath $StateFile -Raw -Encoding UTF8 | ConvertFrom-Json
        if ($found.Version -ne 1) { throw "Version $($found.Version) ist unbekannt" }
        $found.Schritte = @($found.Schritte)
        $found.Verwaltungsnetz = @($found.Verwaltungsnetz)
        $found
    } catch {
        Exit-WithReason 3 "$StateFile ist nicht lesbar: $($_.Exception.Message)" 'die Datei aus einer Sicherung zurückholen; ohne sie ist kein Rückgängig möglich'
    }
}

function Save-State {
    $text = ConvertTo-Json -InputObject $script:State -Depth 6
    $folder = Split-Path -Parent $StateFile
    if (-not (Test-Path -LiteralPath $folder)) { $null = New-Item -ItemType Directory -Path $folder }
    if ((Test-Path -LiteralPath $StateFile) -and (Get-Content -LiteralPath $StateFile -Raw -Encoding UTF8) -eq $text) { return }
    $new = "$StateFile.neu"
    Set-Content -LiteralPath $new -Value $text -Encoding UTF8 -NoNewline
    Move-Item -LiteralPath $new -Destination $StateFile -Force
}

# What was there before the first change stays noted, whatever later runs change again
function Add-Undo([string] $Kind, [string] $Target, $Before) {
    if (@($script:State.Schritte | Where-Object { $_.Art -eq $Kind -and $_.Ziel -eq $Target }).Count) { return }
    $script:State.Schritte = @($script:State.Schritte) + [pscustomobject]@{ Art = $Kind; Ziel = $Target; Vorher = $Before }
    Save-State
}

function Test-Made([string] $Kind, [string] $Target) {
    [bool] @($script:State.Schritte | Where-Object { $_.Art -eq $Kind -and $_.Ziel -eq $Target }).Count
}

function Write-Line([string] $Sign, [string] $Title, [string] $Text) {
    Write-Host ('{0,-11} {1,-34} {2}' -f $Sign, $Title, $Text)
}

function Invoke-Step([string] $StepTitle, [string] $StepWanted, [scriptblock] $StepRead, [scriptblock] $StepApply) {
    try {
        $is = "$(& $StepRead)"
        if ($is -eq $StepWanted) {
            Write-Line 'in Ordnung' $StepTitle $is
            return
        }
        if ($Pruefen) {
            $script:Deviating++
            Write-Line 'ABWEICHUNG' $StepTitle "$is; soll sein: $StepWanted"
            return
        }
        & $StepApply | Out-Null
        $now = "$(& $StepRead)"
        if ($now -ne $StepWanted) { throw "es ist danach: $now" }
        $script:Changed++
        Write-Line 'geändert' $StepTitle "$is -> $now"
    } catch {
        $script:Failed++
        Write-Line 'FEHLER' $StepTitle "$($_.Exception.Message)"
    }
}

function Get-RegistryNumber([string] $Key, [string] $Name) {
    $item = Get-Item -LiteralPath $Key -ErrorAction SilentlyContinue
    if ($null -eq $item) { return $null }
    $item.GetValue($Name, $null)
}

function Set-RegistryNumber([string] $Key, [string] $Name, [int] $Number) {
    Add-Undo 'Registrierung' "$Key|$Name" (Get-RegistryNumber $Key $Name)
    # New-Item -Force would empty a key that is there
    if (-not (Test-Path -LiteralPath $Key)) { $null = New-Item -Path $Key -Force }
    $null = New-ItemProperty -LiteralPath $Key -Name $Name -PropertyType DWord -Value $Number -Force
}

function Invoke-RegistryStep([string] $NumberTitle, [string] $NumberKey, [string] $NumberName, [int] $NumberWanted) {
    Invoke-Step $NumberTitle "$NumberWanted" {
        $number = Get-RegistryNumber $NumberKey $NumberName
        if ($null -eq $number) { 'nicht gesetzt' } else { "$number" }
    } { Set-RegistryNumber $NumberKey $NumberName $NumberWanted }
}

function New-Password {
    # 64 signs without those that look alike, so that six random bits choose one and none is favoured; a letter first, so
    # that YAML takes it as it is
    $signs = 'ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789-_.+=~,*'
    $source = [System.Security.Cryptography.RandomNumberGenerator]::Create()
    $bytes = New-Object byte[] 24
    do {
        $source.GetBytes($bytes)
        $text = -join ($bytes | ForEach-Object { $signs[$_ -band 63] })
    } until ($text -match '^[A-Z]' -and $text -cmatch '[A-Z]' -and $text -cmatch '[a-z]' -and $text -match '\d' -and $text -match '[^A-Za-z0-9]')
    $source.Dispose()
    $text
}

function Read-Password {
    if ($KennwortErzeugen) {
        $text = New-Password
        Write-Host ''
        Write-Host "Kennwort von ${AccountName}: $text"
        Write-Host 'Es wird nur jetzt angezeigt. Es gehört in ansible-vault (vault_windows_password), auf keinen Zettel.'
        Write-Host ''
        $secure = New-Object System.Security.SecureString
        foreach ($sign in $text.ToCharArray()) { $secure.AppendChar($sign) }
        return $secure
    }
    while ($true) {
        $first = Read-Host -Prompt "Kennwort für das Konto $AccountName (mindestens 14 Zeichen)" -AsSecureString
        $second = Read-Host -Prompt 'Noch einmal' -AsSecureString
        $one = (New-Object System.Net.NetworkCredential('', $first)).Password
        $other = (New-Object System.Net.NetworkCredential('', $second)).Password
        if ($one -cne $other) { Write-Host 'Die beiden sind verschieden.' }
        elseif ($one.Length -lt 14) { Write-Host 'Das ist zu kurz.' }
        else { return $first }
    }
}

function Get-Account { Get-LocalUser -Name $AccountName -ErrorAction SilentlyContinue }

function New-Account {
    $user = Get-Account
    if ($null -ne $user) {
        Enable-LocalUser -SID $user.SID
        return
    }
    # The password does not expire: the controller could not renew it, and would be locked out after some weeks
    $user = New-LocalUser -Name $AccountName -Password (Read-Password) -Description $AccountPurpose `
        -AccountNeverExpires -PasswordNeverExpires -UserMayNotChangePassword
    $script:State.KontoSid = $user.SID.Value
    Add-Undo 'Konto' $user.SID.Value $null
}

function Get-AdministratorMember {
    # Through ADSI: Get-LocalGroupMember stumbles over members whose account is gone
    $sid = New-Object System.Security.Principal.SecurityIdentifier($AdministratorsSid)
    $name = $sid.Translate([System.Security.Principal.NTAccount]).Value.Split('\')[-1]
    $group = [ADSI] "WinNT://./$name,group"
    foreach ($member in @($group.psbase.Invoke('Members'))) {
        $bytes = $member.GetType().InvokeMember('objectSid', 'GetProperty', $null, $member, $null)
        (New-Object System.Security.Principal.SecurityIdentifier($bytes, 0)).Value
    }
}

function Get-AccountSid {
    if ($IsDomainAccount) {
        $account = New-Object System.Security.Principal.NTAccount($AccountName)
        return $account.Translate([System.Security.Principal.SecurityIdentifier]).Value
    }
    $user = Get-Account
    if ($null -ne $user) { $user.SID.Value }
}

function Get-MachineCertificate([string] $Thumbprint) {
    Get-Item -LiteralPath "$MachineStore\$Thumbprint" -ErrorAction SilentlyContinue
}

function Find-OwnCertificate {
    $soon = (Get-Date).AddDays(30)
    Get-ChildItem -Path $MachineStore |
        Where-Object { $_.FriendlyName -eq $CertificateName -and $_.HasPrivateKey -and $_.NotAfter -gt $soon } |
        Sort-Object -Property NotBefore -Descending | Select-Object -First 1
}

# The certificate that the listener should show; $null if it has yet to be made
function Find-Certificate {
    if ($script:State.Fingerabdruck) { return Get-MachineCertificate $script:State.Fingerabdruck }
    Find-OwnCertificate
}

function New-OwnCertificate {
    $names = @($env:COMPUTERNAME.ToLowerInvariant())
    $dns = [System.Net.Dns]::GetHostEntry('').HostName.ToLowerInvariant()
    if ($names -notcontains $dns) { $names += $dns }
    $places = @(Split-List $Adresse)
    if (-not $places.Count) {
        $places = @(Get-NetIPAddress | Where-Object {
                $_.PrefixOrigin -ne 'WellKnown' -and $_.AddressFamily -eq 'IPv4' -and $_.IPAddress -notlike '169.254.*'
            } | ForEach-Object { $_.IPAddress })
    }
    $parts = @($names | ForEach-Object { "DNS=$_" })
    foreach ($one in $places) {
        $address = $null
        if ([System.Net.IPAddress]::TryParse($one, [ref] $address)) { $parts += "IPAddress=$one" }
        elseif ($names -notcontains $one) { $parts += "DNS=$one" }
    }
    $names = '2.5.29.17={text}' + ($parts -join '&')
    # The key cannot be taken away: a copy of it would let others pose as this PC
    $made = New-SelfSignedCertificate -Type SSLServerAuthentication -CertStoreLocation $MachineStore -Subject "CN=$env:COMPUTERNAME" `
        -FriendlyName $CertificateName -KeyAlgorithm RSA -KeyLength 3072 -HashAlgorithm SHA256 `
        -KeyExportPolicy NonExportable -NotAfter (Get-Date).AddYears($GueltigJahre) -TextExtension $names
    Add-Undo 'Zertifikat' $made.Thumbprint $null
}

function Import-GivenCertificate {
    $hash = (Get-FileHash -LiteralPath $PfxDatei -Algorithm SHA256).Hash
    if ($script:State.PfxSha256 -eq $hash -and (Get-MachineCertificate $script:State.Fingerabdruck)) { return }
    $password = Read-Host -Prompt "Kennwort der Datei $PfxDatei" -AsSecureString
    $before = @(Get-ChildItem -Path $MachineStore | ForEach-Object { $_.Thumbprint })
    try {
        $found = @(Import-PfxCertificate -FilePath $PfxDatei -CertStoreLocation $MachineStore -Password $password)
    } catch {
        Exit-WithReason 2 "$PfxDatei lässt sich nicht einlesen: $($_.Exception.Message)" 'Kennwort und Datei prüfen'
    }
    foreach ($one in $found) {
        if ($before -notcontains $one.Thumbprint) { Add-Undo 'Zertifikat' $one.Thumbprint $null }
    }
    $own = @($found | Where-Object { $_.HasPrivateKey })
    if ($own.Count -ne 1) {
        Exit-WithReason 2 "$PfxDatei enthält $($own.Count) Zertifikate mit privatem Schlüssel" 'eine PFX-Datei mit genau einem angeben'
    }
    $script:State.Fingerabdruck = $own[0].Thumbprint
    $script:State.PfxSha256 = $hash
}

function Assert-Usable([string] $Thumbprint) {
    $found = Get-MachineCertificate $Thumbprint
    $wayOut = 'certlm.msc, Eigene Zertifikate, zeigt die Zertifikate des Computers und ihre Fingerabdrücke'
    if ($null -eq $found) { Exit-WithReason 2 "im Speicher des Computers gibt es kein Zertifikat $Thumbprint" $wayOut }
    if (-not $found.HasPrivateKey) { Exit-WithReason 2 "zum Zertifikat $Thumbprint fehlt der private Schlüssel" $wayOut }
    if ($found.NotAfter -lt (Get-Date)) { Exit-WithReason 2 "das Zertifikat $Thumbprint ist abgelaufen" $wayOut }
    $uses = @($found.EnhancedKeyUsageList | ForEach-Object { $_.ObjectId })
    if ($uses.Count -and $uses -notcontains $ServerAuthentication) {
        Exit-WithReason 2 "das Zertifikat $Thumbprint ist nicht zur Serverauthentifizierung bestimmt" $wayOut
    }
}

function Get-PemText($Certificate) {
    $text = [Convert]::ToBase64String($Certificate.RawData, [Base64FormattingOptions]::InsertLineBreaks)
    "-----BEGIN CERTIFICATE-----`r`n$text`r`n-----END CERTIFICATE-----`r`n"
}

function Get-Sha256($Certificate) {
    $hash = [System.Security.Cryptography.SHA256]::Create()
    [BitConverter]::ToString($hash.ComputeHash($Certificate.RawData)).Replace('-', ':')
    $hash.Dispose()
}

function Export-PublicPart($Certificate) {
    # What the controller has to trust: the certificate itself, or those who issued it
    $trusted = @($Certificate)
    if ($Certificate.Subject -ne $Certificate.Issuer) {
        $chain = New-Object System.Security.Cryptography.X509Certificates.X509Chain
        $chain.ChainPolicy.RevocationMode = [System.Security.Cryptography.X509Certificates.X509RevocationMode]::NoCheck
        $null = $chain.Build($Certificate)
        $issuers = @($chain.ChainElements | Select-Object -Skip 1 | ForEach-Object { $_.Certificate })
        if ($issuers.Count) { $trusted = $issuers }
    }
    $text = -join ($trusted | ForEach-Object { Get-PemText $_ })
    $file = Join-Path $Ausgabe "$($env:COMPUTERNAME.ToLowerInvariant())-winrm.pem"
    try {
        $same = (Test-Path -LiteralPath $file) -and ((Get-Content -LiteralPath $file -Raw) -eq $text)
        if (-not $same) { Set-Content -LiteralPath $file -Value $text -Encoding Ascii -NoNewline }
        Write-Host ''
        Write-Host "Öffentlicher Teil des Zertifikats: $file"
        foreach ($one in $trusted) { Write-Host "  SHA-256 $(Get-Sha256 $one)" }
        Write-Host 'Auf dem Rechner mit Praxisschild an windows-ca.pem anhängen und den Fingerabdruck vergleichen:'
        Write-Host '  openssl x509 -noout -fingerprint -sha256 -in DATEI'
    } catch {
        $script:Failed++
        Write-Line 'FEHLER' 'Zertifikat ausgeben' "$file ist nicht zu schreiben; mit -Ausgabe einen anderen Ordner nennen"
    }
}

function Get-Listener([string] $Transport) {
    # The drive WSMan: asks to start a service that is down; -Pruefen must not
    if ("$((Get-Service -Name WinRM).Status)" -ne 'Running') { throw 'der Dienst WinRM läuft nicht' }
    @(Get-WSManInstance -ResourceURI $ListenerUri -Enumerate | Where-Object { $_.Transport -eq $Transport })
}

function Get-Note($Listener) {
    [pscustomobject]@{
        Address = "$($Listener.Address)"
        Port = "$($Listener.Port)"
        Hostname = "$($Listener.Hostname)"
        CertificateThumbprint = "$($Listener.CertificateThumbprint)".Replace(' ', '').ToUpperInvariant()
    }
}

function New-Listener([string] $Transport, $Note) {
    $values = @{ Port = $Note.Port }
    if ($Note.Hostname) { $values.Hostname = $Note.Hostname }
    if ($Note.CertificateThumbprint) { $values.CertificateThumbprint = $Note.CertificateThumbprint }
    $selectors = @{ Transport = $Transport; Address = $Note.Address }
    $null = New-WSManInstance -ResourceURI $ListenerUri -SelectorSet $selectors -ValueSet $values
}

function Remove-Listener([string] $Transport, [string] $Address) {
    $null = Remove-WSManInstance -ResourceURI $ListenerUri -SelectorSet @{ Transport = $Transport; Address = $Address }
}

function Set-EncryptedListener([string] $Thumbprint) {
    foreach ($one in @(Get-Listener 'HTTPS')) {
        $note = Get-Note $one
        if ($one.GetAttribute('Source') -eq 'GPO') { throw 'eine Gruppenrichtlinie gibt den HTTPS-Listener vor; dort ändern' }
        if (-not (Test-Made 'Listener' "HTTPS|$($note.Address)") -and -not $ListenerErsetzen) {
            throw "es gibt schon einen mit dem Zertifikat $($note.CertificateThumbprint): mit -Fingerabdruck diesen übernehmen oder mit -ListenerErsetzen ablösen"
        }
        Add-Undo 'Listener' "HTTPS|$($note.Address)" $note
        Remove-Listener 'HTTPS' $note.Address
    }
    Add-Undo 'Listener' 'HTTPS|*' $null
    $note = [pscustomobject]@{ Address = '*'; Port = "$Port"; Hostname = $env:COMPUTERNAME; CertificateThumbprint = $Thumbprint }
    # WinRM takes a certificate only under the name in its subject
    $subject = (Get-MachineCertificate $Thumbprint).GetNameInfo('SimpleName', $false)
    if ($subject) { $note.Hostname = $subject }
    New-Listener 'HTTPS' $note
}

function Remove-PlainListener {
    foreach ($one in @(Get-Listener 'HTTP')) {
        if ($one.GetAttribute('Source') -eq 'GPO') { throw 'eine Gruppenrichtlinie gibt ihn vor (Remoteserververwaltung über WinRM zulassen); dort abschalten' }
        $note = Get-Note $one
        Add-Undo 'Listener' "HTTP|$($note.Address)" $note
        Remove-Listener 'HTTP' $note.Address
    }
}

function Get-ServiceSetting([string] $Path) {
    if ("$((Get-Service -Name WinRM).Status)" -ne 'Running') { throw 'der Dienst WinRM läuft nicht' }
    Get-Item -Path "WSMan:\localhost\Service\$Path"
}

function Invoke-SettingStep([string] $SettingTitle, [string] $SettingPath, [string] $SettingWanted) {
    Invoke-Step $SettingTitle $SettingWanted { "$((Get-ServiceSetting $SettingPath).Value)".ToLowerInvariant() } {
        $setting = Get-ServiceSetting $SettingPath
        if ("$($setting.SourceOfValue)" -eq 'GPO') { throw 'eine Gruppenrichtlinie gibt den Wert vor; dort ändern' }
        Add-Undo 'Einstellung' $SettingPath "$($setting.Value)".ToLowerInvariant()
        Set-ServiceSetting $SettingPath $SettingWanted
    }
}

function Set-ServiceSetting([string] $Path, [string] $Text) {
    try {
        Set-Item -Path "WSMan:\localhost\Service\$Path" -Value $Text -Force
    } catch {
        $public = @(Get-NetConnectionProfile | Where-Object { "$($_.NetworkCategory)" -eq 'Public' })
        if (-not $public.Count) { throw }
        throw "$($_.Exception.Message) Das Netz $($public[0].Name) gilt als öffentlich: Set-NetConnectionProfile -InterfaceIndex $($public[0].InterfaceIndex) -NetworkCategory Private"
    }
}

function Split-List([string[]] $Texts) {
    # powershell.exe -File hands over a list as one text
    @($Texts | Where-Object { $_ } | ForEach-Object { $_.Split(',') } | ForEach-Object { $_.Trim() } | Where-Object { $_ })
}

# Windows gives back masks for prefixes and leaves out /32: one form for both
function ConvertTo-Network([string] $Text) {
    $parts = $Text.Split('/')
    $address = $null
    if ($parts.Count -gt 2 -or $parts[0] -notmatch '[.:]' -or -not [System.Net.IPAddress]::TryParse($parts[0], [ref] $address)) { return $Text }
    $bits = 8 * $address.GetAddressBytes().Count
    if ($parts.Count -eq 1) { return "$address/$bits" }
    $mask = $null
    if ($parts[1] -match '^\d+$') { return "$address/$([int] $parts[1])" }
    if (-not [System.Net.IPAddress]::TryParse($parts[1], [ref] $mask)) { return $Text }
    $ones = ($mask.GetAddressBytes() | ForEach-Object { [Convert]::ToString($_, 2) }) -join '' -replace '0', ''
    "$address/$($ones.Length)"
}

function Test-Network([string] $Text) {
    $parts = (ConvertTo-Network $Text).Split('/')
    $address = $null
    $parts.Count -eq 2 -and [System.Net.IPAddress]::TryParse($parts[0], [ref] $address) -and $parts[1] -match '^\d+$' -and
    [int] $parts[1] -ge 1 -and [int] $parts[1] -le 8 * $address.GetAddressBytes().Count
}

function Get-RuleText {
    $rule = Get-NetFirewallRule -Name $RuleName -ErrorAction SilentlyContinue
    if ($null -eq $rule) { return 'keine Regel' }
    $ports = $rule | Get-NetFirewallPortFilter
    $remote = @(($rule | Get-NetFirewallAddressFilter).RemoteAddress | ForEach-Object { ConvertTo-Network $_ } | Sort-Object) -join ', '
    if ("$($rule.Enabled)" -ne 'True') { return 'abgeschaltet' }
    "$($rule.Direction) $($rule.Action) $($ports.Protocol) $($ports.LocalPort) von $remote"
}

# Without -ErrorAction Stop the commands of this module go on after an error: they do not see the script's preference
function Set-Rule {
    Add-Undo 'Firewallregel' $RuleName $null
    Get-NetFirewallRule -Name $RuleName -ErrorAction SilentlyContinue | Remove-NetFirewallRule -ErrorAction Stop
    $null = New-NetFirewallRule -Name $RuleName -DisplayName 'Praxisschild WinRM (HTTPS)' -Description $AccountPurpose `
        -Direction Inbound -Action Allow -Protocol TCP -LocalPort $Port -Program System -Profile Any `
        -RemoteAddress $Networks -ErrorAction Stop
}

# Rules that Windows itself brings for the plain listener
function Get-PlainRule {
    @(Get-NetFirewallRule -Name 'WINRM-HTTP-*' -ErrorAction SilentlyContinue | Where-Object { "$($_.Enabled)" -eq 'True' })
}

function Disable-PlainRule {
    foreach ($rule in @(Get-PlainRule)) {
        Add-Undo 'Firewallregel' $rule.Name 'True'
        Set-NetFirewallRule -Name $rule.Name -Enabled False -ErrorAction Stop
    }
}

function Write-FirewallNote {
    $wide = @(Get-NetFirewallPortFilter -Protocol TCP | Where-Object { @($_.LocalPort) -contains "$Port" } |
            Get-NetFirewallRule | Where-Object {
                "$($_.Enabled)" -eq 'True' -and "$($_.Direction)" -eq 'Inbound' -and "$($_.Action)" -eq 'Allow' -and $_.Name -ne $RuleName
            })
    foreach ($rule in $wide) { Write-Line 'Hinweis' 'Firewall' "auch die Regel $($rule.DisplayName) öffnet Port $Port; bitte prüfen" }
    foreach ($one in @(Get-NetFirewallProfile -PolicyStore ActiveStore)) {
        if ("$($one.Enabled)" -eq 'False') { Write-Line 'Hinweis' 'Firewall' "sie ist im Profil $($one.Name) aus: Port $Port steht dort jedem offen" }
        if ("$($one.AllowLocalFirewallRules)" -eq 'False') { Write-Line 'Hinweis' 'Firewall' "eine Gruppenrichtlinie lässt im Profil $($one.Name) keine örtlichen Regeln zu: Port $Port dort freigeben" }
    }
}

function Write-EditionNote {
    $edition = (Get-ItemProperty -LiteralPath $VersionKey).EditionID
    if ($edition -like 'Core*') {
        Write-Line 'Hinweis' 'Windows Home' 'viele Richtlinien wirken hier nicht, kein BitLocker, keine Domäne: für Praxen ist Windows Pro nötig'
    }
}

function Invoke-AllSteps {
    Invoke-Step 'Dienst WinRM' 'Automatic, Running' {
        $service = Get-Service -Name WinRM
        "$($service.StartType), $($service.Status)"
    } {
        $service = Get-Service -Name WinRM
        Add-Undo 'Dienst' 'WinRM' ([pscustomobject]@{ Start = "$($service.StartType)"; Status = "$($service.Status)" })
        Set-Service -Name WinRM -StartupType Automatic
        Start-Service -Name WinRM
    }
    if (-not $IsDomainAccount) {
        Invoke-Step "Konto $AccountName" 'vorhanden' {
            $user = Get-Account
            if ($null -eq $user) { 'fehlt' } elseif ($user.Enabled) { 'vorhanden' } else { 'deaktiviert' }
        } { New-Account }
        Invoke-RegistryStep 'Konto im Anmeldebild' $LogonScreenKey $AccountName 0
        # Over the network Windows takes an administrator's rights from every local account but the built-in one; with 1
        # it leaves them. What that costs, and what makes up for it, is in docs/windows-einrichten.md.
        Invoke-RegistryStep 'LocalAccountTokenFilterPolicy' $PolicyKey 'LocalAccountTokenFilterPolicy' 1
    }
    Invoke-Step 'Konto verwaltet den PC' 'ja' {
        $sid = Get-AccountSid
        if ($sid -and @(Get-AdministratorMember) -contains $sid) { 'ja' } else { 'nein' }
    } {
        $sid = Get-AccountSid
        if (-not $sid) { throw 'das Konto fehlt' }
        Add-Undo 'Mitgliedschaft' $sid $null
        Add-LocalGroupMember -SID $AdministratorsSid -Member $sid
    }
    Invoke-Step 'Zertifikat' 'vorhanden' {
        $current = Find-Certificate
        if ($null -eq $current) { 'fehlt oder läuft in 30 Tagen ab' }
        elseif ($current.NotAfter -lt (Get-Date)) { 'abgelaufen' }
        else { 'vorhanden' }
    } {
        if ($script:State.Fingerabdruck) {
            throw "$($script:State.Fingerabdruck) ist abgelaufen oder nicht mehr da: ein neues angeben oder mit -ZertifikatErneuern erstellen"
        }
        New-OwnCertificate
    }
    $found = Find-Certificate
    $thumbprint = if ($null -eq $found) { 'Zertifikat fehlt' } else { $found.Thumbprint }
    # First the way in, then what closes the others
    Invoke-Step 'Firewallregel' "Inbound Allow TCP $Port von $(($Networks | Sort-Object) -join ', ')" { Get-RuleText } { Set-Rule }
    Invoke-Step 'HTTPS-Listener' $thumbprint {
        $there = @(Get-Listener 'HTTPS')
        if ($there.Count) { ($there | ForEach-Object { (Get-Note $_).CertificateThumbprint }) -join ', ' } else { 'keiner' }
    } {
        if ($null -eq $found) { throw 'das Zertifikat fehlt' }
        Set-EncryptedListener $found.Thumbprint
    }
    Invoke-Step 'HTTP-Listener' 'keiner' {
        $there = @(Get-Listener 'HTTP')
        if ($there.Count) { ($there | ForEach-Object { "Port $($_.Port)" }) -join ', ' } else { 'keiner' }
    } { Remove-PlainListener }
    Invoke-Step 'Firewallregeln für HTTP' 'keine' {
        $there = @(Get-PlainRule)
        if ($there.Count) { ($there | ForEach-Object { $_.Name }) -join ', ' } else { 'keine' }
    } { Disable-PlainRule }
    Invoke-SettingStep 'Kennwort im Klartext (Basic)' 'Auth\Basic' 'false'
    Invoke-SettingStep 'Unverschlüsselte Nachrichten' 'AllowUnencrypted' 'false'
    Invoke-SettingStep 'Alter Port 80' 'EnableCompatibilityHttpListener' 'false'
    Invoke-SettingStep 'NTLM und Kerberos (Negotiate)' 'Auth\Negotiate' 'true'
    Write-FirewallNote
    Write-EditionNote
}

function Initialize-Wishes {
    $script:Networks = @(Split-List $Verwaltungsnetz)
    if (-not $script:Networks.Count) { $script:Networks = @($script:State.Verwaltungsnetz) }
    if (-not $script:Networks.Count -and -not $Pruefen) {
        Exit-WithReason 2 'es fehlt -Verwaltungsnetz' 'die Adresse des Rechners mit Praxisschild angeben, zum Beispiel -Verwaltungsnetz 192.168.10.5/32'
    }
    foreach ($one in $script:Networks) {
        if (-not (Test-Network $one)) {
            Exit-WithReason 2 "-Verwaltungsnetz: $one ist weder Adresse noch Netz" 'so angeben: 192.168.10.5/32'
        }
    }
    $script:Networks = @($script:Networks | ForEach-Object { ConvertTo-Network $_ } | Select-Object -Unique)
    $script:AccountName = $script:State.Konto
    $script:IsDomainAccount = [bool] $script:State.IstDomaenenkonto
    $wanted = if ($Domaenenkonto) { $Domaenenkonto } elseif ($Konto) { $Konto } elseif ($script:AccountName) { $script:AccountName } else { 'praxisschild' }
    if ($script:AccountName -and $script:AccountName -ne $wanted) {
        Exit-WithReason 2 "eingerichtet ist das Konto $($script:AccountName)" 'zuerst -Rueckgaengig, dann mit dem anderen Konto einrichten'
    }
    if (-not $script:AccountName) { $script:IsDomainAccount = [bool] $Domaenenkonto }
    $script:AccountName = $wanted
}

function Assert-Wishes {
    if ($Konto -and $Domaenenkonto) { Exit-WithReason 2 '-Konto und -Domaenenkonto zugleich' 'eines von beiden angeben' }
    if ($Fingerabdruck -and $PfxDatei) { Exit-WithReason 2 '-Fingerabdruck und -PfxDatei zugleich' 'eines von beiden angeben' }
    if ($PfxDatei -and -not (Test-Path -LiteralPath $PfxDatei)) { Exit-WithReason 2 "$PfxDatei gibt es nicht" 'den Pfad prüfen' }
    $role = (Get-CimInstance -ClassName Win32_ComputerSystem).DomainRole
    if ($IsDomainAccount) {
        try { $null = Get-AccountSid } catch {
            Exit-WithReason 2 "das Konto $AccountName ist nicht zu finden" 'als DOMÄNE\Konto schreiben; der PC muss den Domänencontroller erreichen'
        }
        return
    }
    # 4 and 5 are domain controllers: they have no local accounts
    if ($role -ge 4) { Exit-WithReason 2 'ein Domänencontroller hat keine lokalen Konten' 'mit -Domaenenkonto ein Konto der Domäne angeben' }
    if ($AccountName -notmatch '^[A-Za-z0-9][A-Za-z0-9._-]{0,19}$') {
        Exit-WithReason 2 "-Konto: $AccountName ist kein möglicher Name" 'höchstens 20 Buchstaben, Ziffern, Punkte und Striche'
    }
    $user = Get-Account
    if ($null -ne $user -and -not (Test-Made 'Konto' $user.SID.Value)) {
        Exit-WithReason 2 "das Konto $AccountName gibt es schon, und dieses Skript hat es nicht angelegt" 'mit -Konto einen anderen Namen angeben'
    }
}

function Invoke-Setup {
    if ($Fingerabdruck) {
        $wanted = ($Fingerabdruck -replace '[^0-9A-Fa-f]', '').ToUpperInvariant()
        Assert-Usable $wanted
        $script:State.Fingerabdruck = $wanted
        $script:State.PfxSha256 = ''
    } elseif ($PfxDatei) {
        Import-GivenCertificate
        Assert-Usable $script:State.Fingerabdruck
    } elseif ($ZertifikatErneuern) {
        $script:State.Fingerabdruck = ''
        $script:State.PfxSha256 = ''
        New-OwnCertificate
        $script:Changed++
        Write-Line 'geändert' 'Zertifikat' 'neu erstellt'
    }
    $script:State.Konto = $AccountName
    $script:State.IstDomaenenkonto = $IsDomainAccount
    $script:State.Verwaltungsnetz = @($Networks)
    Save-State
    Invoke-AllSteps
    if ($NeuesKennwort -and -not $IsDomainAccount) {
        Set-LocalUser -Name $AccountName -Password (Read-Password)
        $script:Changed++
        Write-Line 'geändert' "Konto $AccountName" 'neues Kennwort'
    }
    $found = Find-Certificate
    if ($null -ne $found) { Export-PublicPart $found }
    Write-Host ''
    if ($script:Failed) { Write-Host "$($script:Failed) von diesen Punkten ließen sich nicht setzen. Ursache beheben, dann noch einmal ausführen." }
    elseif ($script:Changed) { Write-Host "$($script:Changed) Änderungen. Rückgängig machen: -Rueckgaengig" }
    else { Write-Host '0 Änderungen: alles war schon so eingerichtet.' }
    exit ([int] [bool] $script:Failed)
}

function Invoke-Look {
    Invoke-AllSteps
    Write-Host ''
    Write-Host "$($script:Deviating) Abweichungen, $($script:Failed) nicht lesbar. Es wurde nichts geändert."
    exit ([int] [bool] ($script:Deviating + $script:Failed))
}

function Undo-Step($Step) {
    switch ($Step.Art) {
        'Listener' {
            $transport, $address = $Step.Ziel.Split('|')
            foreach ($one in @(Get-Listener $transport)) {
                if ("$($one.Address)" -eq $address) { Remove-Listener $transport $address }
            }
            if ($null -ne $Step.Vorher) { New-Listener $transport $Step.Vorher }
        }
        'Zertifikat' {
            if ($null -ne (Get-MachineCertificate $Step.Ziel)) { Remove-Item -LiteralPath "$MachineStore\$($Step.Ziel)" -DeleteKey }
        }
        'Einstellung' { Set-ServiceSetting $Step.Ziel $Step.Vorher }
        'Registrierung' {
            $key, $name = $Step.Ziel.Split('|')
            if ($null -ne $Step.Vorher) { $null = New-ItemProperty -LiteralPath $key -Name $name -PropertyType DWord -Value $Step.Vorher -Force }
            elseif ($null -ne (Get-RegistryNumber $key $name)) { Remove-ItemProperty -LiteralPath $key -Name $name }
        }
        'Firewallregel' {
            if ($null -ne $Step.Vorher) { Set-NetFirewallRule -Name $Step.Ziel -Enabled $Step.Vorher -ErrorAction Stop }
            else { Get-NetFirewallRule -Name $Step.Ziel -ErrorAction SilentlyContinue | Remove-NetFirewallRule -ErrorAction Stop }
        }
        'Mitgliedschaft' {
            if (@(Get-AdministratorMember) -contains $Step.Ziel) { Remove-LocalGroupMember -SID $AdministratorsSid -Member $Step.Ziel }
        }
        'Konto' {
            Get-CimInstance -ClassName Win32_UserProfile -Filter "SID='$($Step.Ziel)'" | Remove-CimInstance
            if ($null -ne (Get-LocalUser -SID $Step.Ziel -ErrorAction SilentlyContinue)) { Remove-LocalUser -SID $Step.Ziel }
        }
        'Dienst' {
            if ($Step.Vorher.Status -ne 'Running') { Stop-Service -Name WinRM -Force }
            Set-Service -Name WinRM -StartupType $Step.Vorher.Start
        }
        default { throw "unbekannte Art $($Step.Art)" }
    }
}

function Invoke-Undo {
    $steps = @($script:State.Schritte)
    if (-not $steps.Count) {
        Write-Host "0 Änderungen: $StateFile nennt nichts, was dieses Skript gemacht hätte."
        exit 0
    }
    # Listeners and settings can only be put back while the service runs; if it does not, these steps stay and say so
    Start-Service -Name WinRM -ErrorAction SilentlyContinue
    [array]::Reverse($steps)
    $left = @()
    foreach ($step in $steps) {
        try {
            Undo-Step $step
            $script:Changed++
            Write-Line 'zurück' $step.Art $step.Ziel
        } catch {
            $script:Failed++
            $left = @($step) + $left
            Write-Line 'FEHLER' $step.Art "$($step.Ziel): $($_.Exception.Message)"
        }
    }
    Write-Host ''
    if ($script:Failed) {
        $script:State.Schritte = $left
        Save-State
        Write-Host "$($script:Failed) Punkte sind geblieben und stehen weiter in $StateFile."
        exit 1
    }
    Remove-Item -LiteralPath $StateFile
    Write-Host "$($script:Changed) Punkte zurückgenommen. Praxisschild erreicht diesen PC nicht mehr."
    exit 0
}

Assert-Environment
try {
    $script:State = Read-State
    if ($Rueckgaengig) { Invoke-Undo }
    if ($script:State.Rechner -ne $env:COMPUTERNAME) {
        Write-Line 'Hinweis' 'Name des PCs' "er hieß $($script:State.Rechner); mit -ZertifikatErneuern steht der neue im Zertifikat"
    }
    Initialize-Wishes
    if ($Pruefen) { Invoke-Look }
    Assert-Wishes
    Invoke-Setup
} catch {
    Exit-WithReason 3 "$($_.Exception.Message) (Zeile $($_.InvocationInfo.ScriptLineNumber))" 'Ursache beheben und noch einmal ausführen; was schon gemacht ist, bleibt und ist notiert'
}
