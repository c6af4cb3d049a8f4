// Copyright: Praxisschild contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

using Microsoft.Win32;
using System;
using System.Collections;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using Ansible.Basic;

namespace Ansible.Praxisschild.Sample
{
    public static class Values
    {
        /// <summary>Bring numbers into the registry; the rest of the options only shows what arrives.</summary>
        public static Dictionary<string, object> Apply(AnsibleModule module)
        {
            Thread.Sleep((int)module.Params["seconds"] * 1000);
            var before = new SortedDictionary<string, object>();
            var after = new SortedDictionary<string, object>();
            foreach (IDictionary row in (IEnumerable)module.Params["values"])
            {
                string key = (string)row["key"], name = (string)row["name"];
                object have = null;
                using (RegistryKey open = Registry.LocalMachine.OpenSubKey(key))
                    have = open == null ? null : open.GetValue(name);
                if (Object.Equals(have, row["data"]))
                    continue;
                before[key + "\\" + name] = have;
                after[key + "\\" + name] = row["data"];
                if (!module.CheckMode)
                    using (RegistryKey open = Registry.LocalMachine.CreateSubKey(key))
                        open.SetValue(name, row["data"], RegistryValueKind.DWord);
            }
            return new Dictionary<string, object>
            {
                { "changed", after.Count > 0 },
                { "before", before },
                { "after", after },
                { "seen", new Dictionary<string, object>
                    {
                        { "api_key", module.Params["api_key"] },
                        { "number", (1.5).ToString() },
                        { "umlauts", "Überwachung geändert" },
                    }
                },
            };
        }
    }
}
