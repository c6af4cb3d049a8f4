// Copyright: Praxisschild contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

using System;
using System.Collections;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text;
using System.Text.RegularExpressions;
using Ansible.Basic;
using Ansible.Praxisschild.Accounts;
using Ansible.Praxisschild.Batch;
using Ansible.Praxisschild.DomainPolicy;
using Ansible.Praxisschild.Guard;
using Ansible.Praxisschild.Windows;

namespace Ansible.Praxisschild.SecurityPolicy
{
    public class Wanted
    {
        public Row Row;
        public Item Item;
        public string Name;
        public string Text; // System Access, as the template writes it
        public List<string> Accounts; // Privilege Rights, as declared
        public string Mode;
        public SortedSet<string> Sids;

        public bool IsRight { get { return Accounts != null; } }
    }

    /// <summary>System Access and Privilege Rights by a security template that holds only what differs.</summary>
    public class SecurityPolicyBatch : Batch.Batch
    {
        private static readonly string[] Keys = new string[] { "name" };
        private const string BuiltInAdministrator = "EnableAdminAccount";
        private const string NetworkLogon = "SeNetworkLogonRight";
        private const string DenyNetworkLogon = "SeDenyNetworkLogonRight";
        private static readonly Regex Right = new Regex("^Se[A-Za-z]+(Privilege|Right)$", RegexOptions.IgnoreCase);
        private static readonly Regex Setting = new Regex("^[A-Za-z]+$");
        private static readonly Regex Sid = new Regex(@"^S-1(-\d+){2,}$", RegexOptions.IgnoreCase);
        private static readonly string[] Texts = new string[] { "NewAdministratorName", "NewGuestName" };

        private readonly List<Wanted> rows = new List<Wanted>();
        private readonly IDomainPolicy domain = new GroupPolicyHistory();
        private readonly Dictionary<string, string> sids = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);

        protected override string Kind { get { return "security"; } }

        protected override string NameKey { get { return "name"; } }

        protected override string[] Identity { get { return Keys; } }

        public static Hashtable Spec()
        {
            return Batch.Spec.Of(new Hashtable
            {
                { "name", Batch.Spec.Option("str", "required", true) },
                { "value", Batch.Spec.Option("raw", "required", true) },
                { "mode", Batch.Spec.Option("str", "choices", new string[] { "exact", "include", "exclude" }, "default", "exact") },
            }, Keys);
        }

        public static void Run(AnsibleModule module)
        {
            Run(new SecurityPolicyBatch(), module);
        }

        protected override void Read(Row row)
        {
            Wanted wanted = new Wanted { Row = row, Name = row.Needed("name"), Mode = row.OneOf("mode", "exact", "exact", "include", "exclude") };
            object value = row.Raw("value");
            if (Right.IsMatch(wanted.Name))
            {
                if (value == null || value is string || !(value is IList))
                    throw row.Mistake("`value` is the list of accounts that hold the right, best as SIDs; [] for nobody");
                wanted.Accounts = row.Many("value").Select(one => Convert.ToString(one, CultureInfo.InvariantCulture).TrimStart('*')).ToList();
                if (wanted.Accounts.Any(one => one.Trim() == "" || one.IndexOfAny("\"=\r\n\0".ToCharArray()) >= 0))
                    throw row.Mistake("an account is a SID (S-1-…) or a name");
            }
            else if (!Setting.IsMatch(wanted.Name))
                throw row.Mistake("neither a setting of [System Access] nor a right (Se…Privilege, Se…Right)");
            else if (wanted.Mode != "exact")
                throw row.Mistake("`mode` belongs to rights");
            else
                wanted.Text = ReadSetting(row, wanted.Name, value);
            if (rows.Any(other => String.Equals(other.Name, wanted.Name, StringComparison.OrdinalIgnoreCase)))
                throw row.Mistake("stands there twice");
            wanted.Item = new Item("security", wanted.Name, row);
            rows.Add(wanted);
        }

        private static string ReadSetting(Row row, string name, object value)
        {
            string text = Convert.ToString(value, CultureInfo.InvariantCulture);
            if (Texts.Contains(name, StringComparer.OrdinalIgnoreCase))
            {
                // what no account name may hold; a quotation mark or a line break would also end the line in the template
                if (!(value is string) || text.Trim() == "" || text.Length > 20 || text.Any(one => one < 32 || "\"/\\[]:;|=,+*?<>".IndexOf(one) >= 0))
                    throw row.Mistake("{0} is no name for an account", row.Show(value));
                return "\"" + text + "\"";
            }
            int number;
            if (value is bool || !Int32.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out number))
                throw row.Mistake("{0} is no whole number (1 for on, 0 for off)", row.Show(value));
            return number.ToString(CultureInfo.InvariantCulture);
        }

        protected override List<Item> Compare()
        {
            if (rows.Count == 0)
                return new List<Item>();
            Dictionary<string, Dictionary<string, string>> current = Export();
            foreach (Wanted wanted in rows)
                Compare(wanted, current);
            Warnings.AddRange(domain.Unreadable.Select(gpo =>
                String.Format("the domain policy “{0}” applies here but cannot be read: what it sets is not recognised", gpo)));
            return rows.Select(row => row.Item).ToList();
        }

        private void Compare(Wanted wanted, Dictionary<string, Dictionary<string, string>> current)
        {
            Item item = wanted.Item;
            string found = Find(current, wanted);
            Owned<string> owned = domain.Security(wanted.IsRight ? Inf.PrivilegeRights : Inf.SystemAccess, wanted.Name);
            if (!wanted.IsRight)
            {
                item.Before = Plain(found);
                item.After = Plain(wanted.Text);
                item.Changed = found != wanted.Text;
                if (found != null)
                    item.Previous.Add(PreviousRow(wanted, item.Before));
                if (owned != null && owned.Value != wanted.Text)
                    item.LeaveTo(owned.Gpo, Plain(owned.Value));
                else if (item.Changed && wanted.Text == "0" && String.Equals(wanted.Name, BuiltInAdministrator, StringComparison.OrdinalIgnoreCase))
                    KeepOpen(item);
                return;
            }
            SortedSet<string> before = SidsOf(found ?? "");
            item.Before = before.ToList();
            string unknown = wanted.Accounts.FirstOrDefault(account => SidOf(account) == null);
            if (unknown != null && wanted.Mode != "exclude")
            {
                item.Fail(String.Format("nobody here is called “{0}”; give the SID", unknown));
                return;
            }
            IEnumerable<string> named = wanted.Accounts.Select(account => SidOf(account)).Where(sid => sid != null);
            wanted.Sids = NewSet(wanted.Mode == "include" ? before.Concat(named) : wanted.Mode == "exclude" ? before.Except(named) : named);
            item.After = wanted.Sids.ToList();
            item.Changed = !wanted.Sids.SetEquals(before);
            item.Previous.Add(PreviousRow(wanted, before.ToList()));
            if (owned != null && !SidsOf(owned.Value).SetEquals(wanted.Sids))
                item.LeaveTo(owned.Gpo, SidsOf(owned.Value));
            else if (item.Changed && LocksOut(wanted))
                item.Fail("would take the network logon from the account that this connection uses; nobody could undo it from here");
        }

        private static void KeepOpen(Item item)
        {
            LocalAccount account = AccountSource.Current.Users().FirstOrDefault(one =>
                one.Sid.StartsWith("S-1-5-21-", StringComparison.Ordinal) && one.Sid.EndsWith("-500", StringComparison.Ordinal));
            string reason = account == null ? null : Administration.WhyNotDisable(account);
            if (reason != null)
                item.Fail(reason);
        }

        private static Dictionary<string, object> PreviousRow(Wanted wanted, object value)
        {
            return new Dictionary<string, object> { { "name", wanted.Name }, { "value", value } };
        }

        private static bool LocksOut(Wanted wanted)
        {
            if (String.Equals(wanted.Name, DenyNetworkLogon, StringComparison.OrdinalIgnoreCase))
                return wanted.Sids.Overlaps(World.Machine.OwnSids());
            return String.Equals(wanted.Name, NetworkLogon, StringComparison.OrdinalIgnoreCase) && !wanted.Sids.Overlaps(World.Machine.OwnSids());
        }

        /// <summary>A setting as a row would write it: a number, or a text without its quotation marks.</summary>
        private static object Plain(string text)
        {
            int number;
            if (text == null)
                return null;
            return Int32.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out number) ? (object)number : Inf.Unquote(text);
        }

        private static SortedSet<string> NewSet(IEnumerable<string> sids)
        {
            return new SortedSet<string>(sids, StringComparer.OrdinalIgnoreCase);
        }

        private SortedSet<string> SidsOf(string accounts)
        {
            // a name that nobody has any more is no SID, so the sets differ and it goes
            return NewSet(Inf.Accounts(accounts).Select(account => SidOf(account.TrimStart('*')) ?? account));
        }

        private string SidOf(string account)
        {
            if (Sid.IsMatch(account))
                return account.ToUpperInvariant();
            if (!sids.ContainsKey(account))
                sids[account] = World.Machine.SidOf(account);
            return sids[account];
        }

        private static string Find(Dictionary<string, Dictionary<string, string>> sections, Wanted wanted)
        {
            Dictionary<string, string> section;
            string found;
            return sections.TryGetValue(wanted.IsRight ? Inf.PrivilegeRights : Inf.SystemAccess, out section)
                && section.TryGetValue(wanted.Name, out found) ? found : null;
        }

        /// <summary>The local security policy as secedit writes it, by section.</summary>
        public static Dictionary<string, Dictionary<string, string>> Export()
        {
            using (WorkFolder work = new WorkFolder())
            {
                string file = work.File("export.inf");
                Ran ran = World.Machine.Run("secedit.exe", "/export", "/cfg", file, "/areas", "SECURITYPOLICY", "USER_RIGHTS",
                    "/log", work.File("export.log"), "/quiet");
                if (ran.Code != 0 || !File.Exists(file))
                    throw new BatchException(String.Format("the security policy could not be read: secedit ended with {0}: {1}", ran.Code, ran.Words));
                Dictionary<string, Dictionary<string, string>> sections = Inf.Parse(World.ReadText(file));
                if (!sections.ContainsKey(Inf.SystemAccess))
                    throw new BatchException("secedit exported no [System Access]; is the account of the connection an administrator?");
                return sections;
            }
        }

        protected override void Return(List<Item> changed, WayBack way)
        {
            Dictionary<string, string> access = new Dictionary<string, string>();
            Dictionary<string, string> rights = new Dictionary<string, string>();
            foreach (Wanted wanted in rows.Where(row => row.Item.Changed && row.Item.Previous.Count > 0))
            {
                if (wanted.IsRight)
                    rights[wanted.Name] = Template((IEnumerable<string>)wanted.Item.Before);
                else
                    access[wanted.Name] = wanted.Item.Before is int ? Shown.Text(wanted.Item.Before) : "\"" + wanted.Item.Before + "\"";
            }
            if (access.Count + rights.Count > 0)
                way.Template = Inf.Format(access, rights);
        }

        private static string Template(IEnumerable<string> sids)
        {
            return String.Join(",", sids.Select(sid => Sid.IsMatch(sid) ? "*" + sid : sid));
        }

        protected override void Settle(List<Item> changed)
        {
            List<Wanted> due = rows.Where(row => row.Item.Changed).ToList();
            string complaint = Configure(due);
            Dictionary<string, Dictionary<string, string>> now = Export();
            foreach (Wanted wanted in due)
            {
                string found = Find(now, wanted);
                bool reached = wanted.IsRight ? SidsOf(found ?? "").SetEquals(wanted.Sids) : found == wanted.Text;
                if (!reached)
                    wanted.Item.Fail(String.Format("secedit did not take it, the value is {0}{1}",
                        wanted.IsRight ? Shown.Text(SidsOf(found ?? "")) : found == null ? "still unknown to this Windows" : found, complaint));
            }
        }

        /// <summary>Apply; returns what secedit had to complain about, for the settings that turn out not to be there.</summary>
        private static string Configure(List<Wanted> due)
        {
            using (WorkFolder work = new WorkFolder())
            {
                Dictionary<string, string> access = due.Where(row => !row.IsRight).ToDictionary(row => row.Name, row => row.Text);
                Dictionary<string, string> rights = due.Where(row => row.IsRight)
                    .ToDictionary(row => row.Name, row => Template(row.Sids));
                string template = work.File("settings.inf");
                string log = work.File("configure.log");
                File.WriteAllText(template, Inf.Format(access, rights), Encoding.Unicode);
                // a database of its own: the machine's own would remember the template and mix it into the next one
                Ran ran = World.Machine.Run("secedit.exe", "/configure", "/db", work.File("settings.sdb"), "/cfg", template,
                    "/areas", "SECURITYPOLICY", "USER_RIGHTS", "/log", log, "/quiet");
                if (ran.Code == 0)
                    return "";
                string last = File.Exists(log) ? World.ReadText(log).Trim().Split('\n').Last().Trim() : ran.Words;
                return String.Format(" (secedit ended with {0}: {1})", ran.Code, last);
            }
        }
    }
}
