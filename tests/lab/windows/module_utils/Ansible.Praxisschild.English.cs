// Copyright: Praxisschild contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

using System;
using System.IO;
using System.Linq;
using Ansible.Basic;
using Ansible.Praxisschild.Windows;

namespace Ansible.Praxisschild.English
{
    /// <summary>Reads whether logons are recorded, in the way that works in English only, or in any language.</summary>
    public static class Logons
    {
        private const string Logon = "{0CCE9215-69AE-11D9-BED3-505054503030}";

        public static void Read(AnsibleModule module)
        {
            string file = Path.Combine(Path.GetTempPath(), "audit.csv");
            Ran ran = World.Machine.Run("auditpol.exe", "/backup", "/file:" + file);
            if (ran.Code != 0)
                module.FailJson(ran.Words);
            string[][] table = File.ReadAllLines(file).Select(line => line.Split(',')).ToArray();
            string[] row = table.First(one => one.Contains(Logon, StringComparer.OrdinalIgnoreCase));
            module.Result["recorded"] = (string)module.Params["language"] == "english"
                ? row[Array.IndexOf(table[0], "Inclusion Setting")].Contains("Success")
                : (Int32.Parse(row[6]) & 1) == 1;
        }
    }
}
