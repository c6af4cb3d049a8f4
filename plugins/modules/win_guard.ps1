#!powershell
# Copyright: Praxisschild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

#AnsibleRequires -CSharpUtil Ansible.Basic
#AnsibleRequires -CSharpUtil Ansible.Praxisschild.Guard

# Windows PowerShell 5.1 only starts it: what is called off, and how, is C#, which is tested as it is.
$module = [Ansible.Basic.AnsibleModule]::Create($args, [Ansible.Praxisschild.Guard.DeadMan]::Spec())
[Ansible.Praxisschild.Guard.DeadMan]::Run($module)
