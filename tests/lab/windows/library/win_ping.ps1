#!powershell
# Copyright: Praxisschild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
#AnsibleRequires -CSharpUtil Ansible.Basic

# stands for the module of ansible.windows: the spec counts, the rest is modelled by name
$spec = @{
    options = @{ data = @{ type = 'str'; default = 'pong' } }
    supports_check_mode = $true
}
$module = [Ansible.Basic.AnsibleModule]::Create($args, $spec)
if ($module.Params.data -eq 'crash') { throw 'boom' }
$module.Result.ping = $module.Params.data
$module.ExitJson()
