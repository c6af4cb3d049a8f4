#!powershell

# Copyright: Praxisschild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

#AnsibleRequires -CSharpUtil Ansible.Basic
#AnsibleRequires -CSharpUtil Ansible.Praxisschild.Sample

$spec = @{
    options = @{
        values = @{
            type = 'list'
            elements = 'dict'
            default = @()
            options = @{
                key = @{ type = 'str'; required = $true }
                name = @{ type = 'str'; required = $true }
                data = @{ type = 'int'; required = $true }
            }
        }
        group = @{ type = 'str' }
        seconds = @{ type = 'int'; default = 0 }
        api_key = @{ type = 'str'; no_log = $true }
    }
    supports_check_mode = $true
}
$module = [Ansible.Basic.AnsibleModule]::Create($args, $spec)
$found = [Ansible.Praxisschild.Sample.Values]::Apply($module)
$module.Result.changed = $found.changed
$module.Result.seen = $found.seen
$module.Diff.before = $found.before
$module.Diff.after = $found.after
$module.ExitJson()
