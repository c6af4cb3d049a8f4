#!powershell
# Copyright: Praxisschild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
#AnsibleRequires -CSharpUtil Ansible.Basic

# logic in PowerShell, which nothing here runs
$spec = @{ options = @{} }
$module = [Ansible.Basic.AnsibleModule]::Create($args, $spec)
if (Get-Service WinRM) { $module.Result.changed = $true }
$module.ExitJson()
