// Copyright: Praxisschild contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

using System;
using System.Collections.Generic;
using System.Linq;
using System.Text.RegularExpressions;
using Ansible.Praxisschild.Accounts;
using Ansible.Praxisschild.Batch;
using Ansible.Praxisschild.Guard;
using Ansible.Praxisschild.Windows;

namespace Ansible.Praxisschild.AccountRows
{
    /// <summary>A row about a local account, or about who is in a local group; by SID, whatever Windows calls them.</summary>
    public class AccountRow
    {
        private static readonly Regex Sid = new Regex(@"^S-1(-\d+){2,}$", RegexOptions.IgnoreCase);
        private static readonly Regex Pattern = new Regex(@"^\*(-\d+)+$");
        private static readonly string[] WaysIn = new string[] { Administration.Administrators, "S-1-5-32-580" };

        public readonly Item Item;
        private readonly bool isGroup;
        private readonly string name;
        private readonly string state;
        private readonly List<string> members = new List<string>();
        private readonly List<string> allowed = new List<string>();
        private LocalAccount account;
        private List<string> before;
        private List<string> after;

        public AccountRow(Row row, string kind)
        {
            isGroup = kind == "group";
            name = row.Needed("name");
            Item = new Item(kind, name, row);
            if (isGroup)
            {
                if (!Sid.IsMatch(name))
                    throw row.Mistake("a group is named by its SID; what it is called differs from language to language");
                if (row.Has("state") || !row.Has("members"))
                    throw row.Mistake("a group has `members` ([] for nobody), and may have `allowed`");
                members = row.Many("members").Select(Convert.ToString).ToList();
                allowed = row.Many("allowed").Select(Convert.ToString).ToList();
                if (members.Concat(allowed).Any(one => one.Trim() == "") || members.Any(one => one.Contains("*")))
                    throw row.Mistake("a member is a name or a SID; `allowed` may say *-512 for the end of one");
            }
            else
            {
                state = row.OneOf("state", null, "enabled", "disabled");
                if (row.Has("members") || row.Has("allowed"))
                    throw row.Mistake("`members` belongs to a group");
            }
        }

        public void Compare(List<LocalAccount> users, Dictionary<string, List<string>> groups)
        {
            if (isGroup)
                CompareGroup(users, groups);
            else
                CompareAccount(users);
        }

        private void CompareAccount(List<LocalAccount> users)
        {
            account = users.FirstOrDefault(one => String.Equals(one.Name, name, StringComparison.OrdinalIgnoreCase) || one.Sid == name);
            if (account == null)
            {
                Item.State = "absent"; // who is not there cannot log in
                if (state == "enabled")
                    Item.Fail("there is no such account");
                return;
            }
            Item.Before = account.Enabled ? "enabled" : "disabled";
            Item.After = Item.State = state;
            Item.Changed = !Equals(Item.Before, state);
            Item.Previous.Add(new Dictionary<string, object> { { "kind", "account" }, { "name", account.Name }, { "state", Item.Before } });
            string reason = Item.Changed && state == "disabled" ? Administration.WhyNotDisable(account) : null;
            if (reason != null)
                Item.Fail(reason);
        }

        private void CompareGroup(List<LocalAccount> users, Dictionary<string, List<string>> groups)
        {
            if (!groups.TryGetValue(name, out before))
            {
                Item.State = "absent";
                return;
            }
            List<string> unknown = members.Where(one => SidOf(one) == null).ToList();
            if (unknown.Count > 0)
                Item.Note = "nobody here is called " + String.Join(", ", unknown);
            List<string> wanted = members.Select(SidOf).Where(sid => sid != null).ToList();
            after = before.Where(sid => wanted.Contains(sid) || allowed.Any(one => Allows(one, sid))).Union(wanted).ToList();
            ISet<string> own = World.Machine.OwnSids();
            if (WaysIn.Contains(name) && before.Any(own.Contains) && !after.Any(own.Contains))
            {
                List<string> ways = before.Where(own.Contains).ToList();
                after.AddRange(ways);
                Item.Note = "stays, because this connection comes in by it: " + String.Join(", ", Names(users, ways));
            }
            Item.Before = Names(users, before);
            Item.After = Names(users, after);
            Item.Changed = before.Except(after).Any() || after.Except(before).Any();
            Item.Previous.Add(new Dictionary<string, object> { { "kind", "group" }, { "name", name }, { "members", before } });
        }

        private static bool Allows(string one, string sid)
        {
            return Pattern.IsMatch(one) ? sid.StartsWith("S-1-5-21-", StringComparison.Ordinal) && sid.EndsWith(one.Substring(1), StringComparison.Ordinal)
                : SidOf(one) == sid;
        }

        private static string SidOf(string member)
        {
            return Sid.IsMatch(member) ? member.ToUpperInvariant() : World.Machine.SidOf(member);
        }

        private static List<string> Names(List<LocalAccount> users, IEnumerable<string> sids)
        {
            return sids.Select(sid => users.Where(one => one.Sid == sid).Select(one => one.Name).FirstOrDefault() ?? sid)
                .OrderBy(one => one, StringComparer.Ordinal).ToList();
        }

        /// <summary>Back by net.exe, which takes names only: who has none any more does not come back.</summary>
        public void Return(List<LocalAccount> users, WayBack way)
        {
            if (!isGroup)
            {
                way.Run("net.exe", "user", account.Name, "/active:" + (account.Enabled ? "yes" : "no"));
                return;
            }
            string group = AccountSource.Current.GroupName(name);
            foreach (LocalAccount member in users.Where(one => before.Contains(one.Sid) != after.Contains(one.Sid)))
                way.Run("net.exe", "localgroup", group, member.Name, before.Contains(member.Sid) ? "/add" : "/delete");
        }

        public void Settle()
        {
            if (!isGroup)
            {
                AccountSource.Current.Switch(account, state == "enabled");
                LocalAccount now = AccountSource.Current.Users().First(one => one.Sid == account.Sid);
                if (now.Enabled != (state == "enabled"))
                    throw new BatchException("Windows did not take it");
                return;
            }
            foreach (string sid in after.Except(before))
                AccountSource.Current.AddMember(name, sid);
            foreach (string sid in before.Except(after))
                AccountSource.Current.RemoveMember(name, sid);
            if (!new HashSet<string>(AccountSource.Current.Groups()[name]).SetEquals(after))
                throw new BatchException("Windows did not take it");
        }
    }
}
