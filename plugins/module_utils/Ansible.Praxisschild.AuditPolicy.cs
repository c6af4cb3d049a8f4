// Copyright: Praxisschild contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

using System;
using System.Collections;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text.RegularExpressions;
using Ansible.Basic;
using Ansible.Praxisschild.Batch;
using Ansible.Praxisschild.DomainPolicy;
using Ansible.Praxisschild.Windows;

namespace Ansible.Praxisschild.AuditPolicy
{
    public class Wanted
    {
        public Row Row;
        public Item Item;
        public string Guid;
        public int Setting;
    }

    /// <summary>The advanced audit policy by the GUIDs of its subcategories, whose names are localised.</summary>
    public class AuditPolicyBatch : Batch.Batch
    {
        private static readonly string[] Keys = new string[] { "subcategory" };
        private const int Success = 1;
        private const int Failure = 2;
        private static readonly Regex GuidForm = new Regex(@"^\{?([0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})\}?$");

        private readonly List<Wanted> rows = new List<Wanted>();
        private readonly IDomainPolicy domain = new GroupPolicyHistory();

        protected override string Kind { get { return "audit"; } }

        protected override string NameKey { get { return "subcategory"; } }

        protected override string[] Identity { get { return Keys; } }

        public static Hashtable Spec()
        {
            return Batch.Spec.Of(new Hashtable
            {
                { "subcategory", Batch.Spec.Option("str", "required", true) },
                { "name", Batch.Spec.Option("str") },
                { "success", Batch.Spec.Option("bool", "required", true) },
                { "failure", Batch.Spec.Option("bool", "required", true) },
            }, Keys);
        }

        public static void Run(AnsibleModule module)
        {
            Run(new AuditPolicyBatch(), module);
        }

        protected override void Read(Row row)
        {
            Match guid = GuidForm.Match(row.Needed("subcategory"));
            if (!guid.Success)
                throw row.Mistake("`subcategory` is a GUID; names are different on a Windows of another language");
            if (!row.Has("success") || !row.Has("failure"))
                throw row.Mistake("say for both `success` and `failure` whether they are recorded");
            Wanted wanted = new Wanted { Row = row, Guid = "{" + guid.Groups[1].Value.ToUpperInvariant() + "}" };
            wanted.Setting = (row.Truth("success", false) ? Success : 0) + (row.Truth("failure", false) ? Failure : 0);
            if (rows.Any(other => other.Guid == wanted.Guid))
                throw row.Mistake("stands there twice");
            wanted.Item = new Item("audit", (row.Has("name") ? row.Text("name", "") + " " : "") + wanted.Guid, row);
            rows.Add(wanted);
        }

        protected override List<Item> Compare()
        {
            if (rows.Count == 0)
                return new List<Item>();
            Dictionary<string, int> current = Backup();
            foreach (Wanted wanted in rows)
            {
                Item item = wanted.Item;
                int found;
                if (!current.TryGetValue(wanted.Guid, out found))
                {
                    item.Fail("this Windows knows no such subcategory");
                    continue;
                }
                item.Before = Words(found);
                item.After = Words(wanted.Setting);
                item.Changed = found != wanted.Setting;
                item.Previous.Add(new Dictionary<string, object>
                {
                    { "subcategory", wanted.Guid }, { "success", (found & Success) != 0 }, { "failure", (found & Failure) != 0 },
                });
                Owned<int?> owned = domain.Audit(wanted.Guid);
                if (owned != null && owned.Value != wanted.Setting)
                    item.LeaveTo(owned.Gpo, Words(owned.Value.Value));
            }
            Warnings.AddRange(domain.Unreadable.Select(gpo =>
                String.Format("the domain policy “{0}” applies here but cannot be read: what it sets is not recognised", gpo)));
            return rows.Select(row => row.Item).ToList();
        }

        private static string Words(int setting)
        {
            return new string[] { "none", "success", "failure", "success and failure" }[setting];
        }

        /// <summary>Setting by GUID of the subcategory: 1 success, 2 failure, 3 both.</summary>
        public static Dictionary<string, int> Backup()
        {
            using (WorkFolder work = new WorkFolder())
            {
                string file = work.File("audit.csv");
                Ran ran = World.Machine.Run("auditpol.exe", "/backup", "/file:" + file);
                if (ran.Code != 0 || !File.Exists(file))
                    throw new BatchException(String.Format("the audit policy could not be read: auditpol ended with {0}: {1}", ran.Code, ran.Words));
                return AuditCsv.Parse(World.ReadText(file));
            }
        }

        protected override void Settle(List<Item> changed)
        {
            List<Wanted> due = rows.Where(row => row.Item.Changed).ToList();
            // at most four calls: auditpol takes many subcategories at once, but one setting for all of them
            foreach (IGrouping<int, Wanted> group in due.GroupBy(row => row.Setting))
                Set(group.Key, group.Select(row => row.Guid));
            Dictionary<string, int> now = Backup();
            Dictionary<string, string> complaints = new Dictionary<string, string>();
            foreach (Wanted wanted in due.Where(row => now[row.Guid] != row.Setting)) // one that it refuses may cost the others of its call
                complaints[wanted.Guid] = Set(wanted.Setting, new string[] { wanted.Guid });
            if (complaints.Count > 0)
                now = Backup();
            foreach (Wanted wanted in due.Where(row => now[row.Guid] != row.Setting))
                wanted.Item.Fail(String.Format("auditpol did not take it, it is still “{0}”{1}", Words(now[wanted.Guid]), complaints[wanted.Guid]));
        }

        private static string Set(int setting, IEnumerable<string> guids)
        {
            Ran ran = World.Machine.Run("auditpol.exe", "/set", "/subcategory:" + String.Join(",", guids),
                "/success:" + ((setting & Success) != 0 ? "enable" : "disable"), "/failure:" + ((setting & Failure) != 0 ? "enable" : "disable"));
            return ran.Code == 0 ? "" : String.Format(" (auditpol ended with {0}: {1})", ran.Code, ran.Words);
        }
    }
}
