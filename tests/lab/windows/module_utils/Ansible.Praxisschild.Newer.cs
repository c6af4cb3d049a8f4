// Copyright: Praxisschild contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

namespace Ansible.Praxisschild.Newer
{
    /// <summary>Needs C# 6; the compiler of Windows PowerShell 5.1 takes C# 5.</summary>
    public static class Words { public static string Say() { return $"{1}"; } }
}
