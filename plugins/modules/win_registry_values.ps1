#!powershell
# Copyright: Praxisschild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

#AnsibleRequires -CSharpUtil Ansible.Basic
#AnsibleRequires -CSharpUtil Ansible.Praxisschild.RegistryValues

# Windows PowerShell 5.1 only starts it: options, comparison and changes are C#, which is tested as it is.
$module = [Ansible.Basic.AnsibleModule]::Create($args, [Ansible.Praxisschild.RegistryValues.RegistryValuesBatch]::Spec())
[Ansible.Praxisschild.RegistryValues.RegistryValuesBatch]::Run($module)
