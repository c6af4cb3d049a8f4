#!powershell
# Copyright: Praxisschild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
#AnsibleRequires -CSharpUtil Ansible.Basic
#AnsibleRequires -CSharpUtil Ansible.Praxisschild.English

$spec = @{ options = @{ language = @{ type = 'str'; choices = 'english', 'none'; required = $true } } }
$module = [Ansible.Basic.AnsibleModule]::Create($args, $spec)
[Ansible.Praxisschild.English.Logons]::Read($module)
$module.ExitJson()
