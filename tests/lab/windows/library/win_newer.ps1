#!powershell
# Copyright: Praxisschild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
#AnsibleRequires -CSharpUtil Ansible.Basic
#AnsibleRequires -CSharpUtil Ansible.Praxisschild.Newer

$module = [Ansible.Basic.AnsibleModule]::Create($args, @{})
[Ansible.Praxisschild.Newer.Words]::Say()
$module.ExitJson()
