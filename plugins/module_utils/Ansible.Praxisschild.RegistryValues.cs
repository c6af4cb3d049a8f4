// Copyright: Praxisschild contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

using Microsoft.Win32;
using System;
using System.Collections;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text.RegularExpressions;
using Ansible.Basic;
using Ansible.Praxisschild.Batch;
using Ansible.Praxisschild.DomainPolicy;
using Ansible.Praxisschild.Guard;
using Ansible.Praxisschild.Windows;

namespace Ansible.Praxisschild.RegistryValues
{
    /// <summary>A user's part of the registry; null <c>File</c>: loaded already.</summary>
    public class Hive
    {
        public string Sid;
        public string Mount;
        public string File;

        /// <summary>A prefix of HKU with which a row names the hive, whether it is loaded or not.</summary>
        public string Label { get { return "HKU\\" + Sid; } }
    }

    /// <summary>The hives of the people who use this machine, and of those who do not yet.</summary>
    public static class Hives
    {
        private const string Profiles = @"SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList";
        private const string Mounted = "Praxisschild-";

        // people have accounts of the machine, of a domain (S-1-5-21) or of Entra ID (S-1-12-1); services have not
        private static readonly Regex Person = new Regex(@"^S-1-(5-21|12-1)-\d+-\d+-\d+-\d+$", RegexOptions.IgnoreCase);

        public static List<Hive> All(List<string> warnings)
        {
            HashSet<string> loaded = new HashSet<string>(World.Registry.SubKeys("HKU", "64", ""), StringComparer.OrdinalIgnoreCase);
            List<Hive> hives = loaded.Where(sid => Person.IsMatch(sid)).Select(sid => sid.ToUpperInvariant())
                .OrderBy(sid => sid, StringComparer.Ordinal).Select(sid => new Hive { Sid = sid, Mount = sid }).ToList();
            foreach (string sid in World.Registry.SubKeys("HKLM", "64", Profiles).Select(sid => sid.ToUpperInvariant())
                .Where(sid => Person.IsMatch(sid) && !loaded.Contains(sid)).OrderBy(sid => sid, StringComparer.Ordinal))
            {
                string file = Folder(Profiles + "\\" + sid, "ProfileImagePath") + @"\NTUSER.DAT";
                if (World.FileExists(file))
                    hives.Add(new Hive { Sid = sid, Mount = Mounted + sid, File = file });
                else
                    warnings.Add(String.Format("{0}: its profile {1} is gone; it gets the settings of the default profile at its next logon", sid, file));
            }
            hives.Add(new Hive { Sid = "Default", Mount = Mounted + "Default", File = Folder(Profiles, "Default") + @"\NTUSER.DAT" });
            return hives;
        }

        private static string Folder(string key, string name)
        {
            RegistryData data = World.Registry.Read("HKLM", "64", key, name);
            string path = data == null ? null : data.Value as string;
            if (path == null)
                throw new BatchException(String.Format(@"HKLM\{0}\{1} is missing: this Windows does not say where its profiles are", key, name));
            return Environment.ExpandEnvironmentVariables(path).TrimEnd('\\');
        }

        /// <summary>
        /// Do something with a hive, loaded only as long as this takes: while it is loaded under our name, its owner could not log on
        /// properly.
        /// </summary>
        public static void With(Hive hive, Action act)
        {
            if (hive.File == null)
            {
                act();
                return;
            }
            if (World.Registry.KeyExists("HKU", "64", hive.Mount))
                Unload(hive); // a run that was killed has left it behind
            Ran ran = World.Machine.Run("reg.exe", "load", "HKU\\" + hive.Mount, hive.File);
            if (ran.Code != 0)
                throw new BatchException(String.Format("{0} could not be loaded: reg ended with {1}: {2}", hive.File, ran.Code, ran.Words));
            try
            {
                act();
            }
            finally
            {
                Unload(hive);
            }
        }

        private static void Unload(Hive hive)
        {
            Ran ran = null;
            for (int attempt = 0; attempt < 10; attempt++)
            {
                // a key that .NET has not let go of yet keeps the whole hive
                GC.Collect();
                GC.WaitForPendingFinalizers();
                ran = World.Machine.Run("reg.exe", "unload", "HKU\\" + hive.Mount);
                if (ran.Code == 0)
                    return;
                System.Threading.Thread.Sleep(50 * (attempt + 1));
            }
            throw new BatchException(String.Format(
                "{0} is still loaded as HKU\\{1}, so its owner cannot log on properly: run `reg unload HKU\\{1}`, or restart ({2})",
                hive.File, hive.Mount, ran.Words));
        }
    }

    /// <summary>One place in the registry that a row speaks of.</summary>
    public class Place
    {
        public string Hive; // HKLM or HKU
        public Hive User;
        public string View;
        public string Key;
        public string Label;
        public RegistryData Before;
        public bool Existed; // for keys
        public List<string> Extra = new List<string>(); // names of values that a key's `only` does not have
        public bool Changes;
        public bool Done;
        public Owned<RegistryData> Domain; // what a domain policy sets instead
        public List<Dictionary<string, object>> Previous = new List<Dictionary<string, object>>();
    }

    public class Wanted
    {
        public Row Row;
        public string Root;
        public string Key; // below the root, or below a user's hive
        public string Sid; // null: every user
        public string Name; // null: the key itself
        public HashSet<string> Only; // of a key: the names of the values that it may hold; null: any
        public bool Present;
        public RegistryData Data;
        public string[] Views;
        public Item Item;
        public List<Place> Places = new List<Place>();

        public bool OfUsers { get { return Root == "HKCU" || Sid != null; } }
    }

    public class RegistryValuesBatch : Batch.Batch
    {
        private static readonly string[] Keys = new string[] { "key", "name", "view" };
        private static readonly string[] Kinds = new string[] { "dword", "qword", "string", "expand_string", "multi_string", "binary", "none" };
        private const string FirewallPolicy = @"HKLM\SOFTWARE\Policies\Microsoft\WindowsFirewall\";
        private static readonly string[] RefreshOptions = new string[] { "/target:computer", "/force", "/wait:60" };
        private static readonly Regex OfOneUser = new Regex(@"^(S-1-(5-21|12-1)-\d+-\d+-\d+-\d+|Default)$", RegexOptions.IgnoreCase);

        private readonly List<Wanted> rows = new List<Wanted>();
        private readonly IDomainPolicy domain = new GroupPolicyHistory();
        private readonly List<Item> profiles = new List<Item>();

        protected override string Kind { get { return "registry"; } }

        protected override string NameKey { get { return "key"; } }

        protected override string[] Identity { get { return Keys; } }

        public static Hashtable Spec()
        {
            return Batch.Spec.Of(new Hashtable
            {
                { "key", Batch.Spec.Option("str", "required", true) },
                { "name", Batch.Spec.Option("str") },
                { "type", Batch.Spec.Option("str", "choices", Kinds) },
                { "value", Batch.Spec.Option("raw") },
                { "state", Batch.Spec.Option("str", "choices", new string[] { "present", "absent" }, "default", "present") },
                { "only", Batch.Spec.Option("list", "elements", "str") },
                { "view", Batch.Spec.Option("str", "choices", new string[] { "64", "32", "both" }, "default", "64") },
            }, Keys);
        }

        public static void Run(AnsibleModule module)
        {
            Run(new RegistryValuesBatch(), module);
        }

        // What is wanted

        protected override void Read(Row row)
        {
            Wanted wanted = new Wanted { Row = row, Name = row.Text("name", null) };
            ReadKey(row, wanted);
            wanted.Present = row.OneOf("state", "present", "present", "absent") == "present";
            string view = row.OneOf("view", "64", "64", "32", "both");
            wanted.Views = view == "both" ? new string[] { "64", "32" } : new string[] { view };
            if (wanted.Name != null && wanted.Name.IndexOf('\0') >= 0)
                throw row.Mistake("the name of a value holds no NUL");
            if (wanted.Present && wanted.Name != null)
                wanted.Data = ReadData(row);
            else if (row.Has("value") || row.Has("type"))
                throw row.Mistake("`type` and `value` belong to a value that is present, with its `name` (\"\" for the default value)");
            if (row.Has("only"))
            {
                if (!wanted.Present || wanted.Name != null)
                    throw row.Mistake("`only` belongs to a key that is present, a row without `name`");
                wanted.Only = new HashSet<string>(row.Many("only").Select(one => ReadText(row, one)), StringComparer.OrdinalIgnoreCase);
            }
            // a slip of the pen in `name` must not cost a whole tree
            if (!wanted.Present && wanted.Name == null && wanted.Key.Split('\\').Length < 4)
                throw row.Mistake("a key so near to the root is not removed");
            string shown = row.Text("key", "").Replace(":", "") + (wanted.Name == null ? "" : "\\" + (wanted.Name == "" ? "(default)" : wanted.Name));
            RefuseContradiction(row, wanted);
            wanted.Item = new Item("registry", shown + (view == "32" ? " (32 bit)" : ""), row);
            rows.Add(wanted);
        }

        private void RefuseContradiction(Row row, Wanted wanted)
        {
            foreach (Wanted other in rows)
                if (other.Root == wanted.Root && Same(other.Sid, wanted.Sid) && Same(other.Key, wanted.Key) && Same(other.Name, wanted.Name)
                    && other.Views.Intersect(wanted.Views).Any()
                    && (other.Present != wanted.Present || (wanted.Data != null && !wanted.Data.SameAs(other.Data))))
                    throw row.Mistake("contradicts another row about the same value {0}", wanted.Name ?? "");
        }

        private static void ReadKey(Row row, Wanted wanted)
        {
            List<string> parts = row.Needed("key").Split('\\').ToList();
            string root = parts[0].TrimEnd(':').ToUpperInvariant();
            parts.RemoveAt(0);
            if (root != "HKLM" && root != "HKCU" && root != "HKU")
                throw row.Mistake("a key begins with HKLM\\, HKCU\\ (every user and the default profile) or HKU\\");
            if (parts.Count == 0 || parts.Any(part => part == "" || part.Length > 255 || part.IndexOf('\0') >= 0))
                throw row.Mistake("a part of the key is empty or too long");
            if (root == "HKU" && OfOneUser.IsMatch(parts[0]))
            {
                wanted.Sid = parts[0];
                parts.RemoveAt(0);
                if (parts.Count == 0)
                    throw row.Mistake("name a key below the user's");
            }
            wanted.Root = root;
            wanted.Key = String.Join("\\", parts);
        }

        private static RegistryData ReadData(Row row)
        {
            string type = row.OneOf("type", null, Kinds);
            object value = row.Raw("value");
            if (value == null && type != "none")
                throw row.Mistake("`value` is missing");
            switch (type)
            {
                case "dword": return new RegistryData(RegistryValueKind.DWord, unchecked((int)(uint)ReadNumber(row, value, UInt32.MaxValue)));
                case "qword": return new RegistryData(RegistryValueKind.QWord, unchecked((long)(ulong)ReadNumber(row, value, UInt64.MaxValue)));
                case "string": return new RegistryData(RegistryValueKind.String, ReadText(row, value));
                case "expand_string": return new RegistryData(RegistryValueKind.ExpandString, ReadText(row, value));
                case "multi_string":
                    if (value is string || !(value is IList))
                        throw row.Mistake("multi_string is a list of texts");
                    string[] texts = row.Many("value").Select(one => ReadText(row, one)).ToArray();
                    if (texts.Contains(""))
                        throw row.Mistake("multi_string holds no empty text: Windows would end the list there");
                    return new RegistryData(RegistryValueKind.MultiString, texts);
                default:
                    return new RegistryData(type == "none" ? RegistryValueKind.None : RegistryValueKind.Binary, ReadBytes(row, value));
            }
        }

        private static decimal ReadNumber(Row row, object value, decimal most)
        {
            string text = value is bool ? "" : Convert.ToString(value, CultureInfo.InvariantCulture).Trim();
            decimal number = -1;
            ulong hex;
            if (text.StartsWith("0x", StringComparison.OrdinalIgnoreCase)
                && UInt64.TryParse(text.Substring(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out hex))
                number = hex;
            else if (!Decimal.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number))
                number = -1;
            if (number < 0 || number > most)
                throw row.Mistake("{0} is no whole number from 0 to {1}", row.Show(value), most);
            return number;
        }

        private static string ReadText(Row row, object value)
        {
            if (value == null || value is bool || value is IDictionary || (value is IList && !(value is string)))
                throw row.Mistake("{0} is no text; write it in quotes", row.Show(value));
            string text = Convert.ToString(value, CultureInfo.InvariantCulture);
            if (text.IndexOf('\0') >= 0)
                throw row.Mistake("a text holds no NUL: Windows would end it there");
            return text;
        }

        private static byte[] ReadBytes(Row row, object value)
        {
            string text = value as string;
            if (value == null || text == "")
                return new byte[0];
            IEnumerable<string> parts;
            if (text == null)
                parts = row.Many("value").Select(one => Convert.ToString(one, CultureInfo.InvariantCulture));
            else
            {
                string digits = Regex.Replace(text, "[\\s,]", "");
                parts = Enumerable.Range(0, (digits.Length + 1) / 2)
                    .Select(i => "0x" + digits.Substring(2 * i, Math.Min(2, digits.Length - 2 * i)))
                    .Select(part => part.Length == 4 ? part : "");
            }
            return parts.Select(part => ReadByte(row, part)).ToArray();
        }

        private static byte ReadByte(Row row, string text)
        {
            byte number;
            bool hex = text.StartsWith("0x", StringComparison.Ordinal);
            if (!Byte.TryParse(hex ? text.Substring(2) : text, hex ? NumberStyles.AllowHexSpecifier : NumberStyles.None, CultureInfo.InvariantCulture, out number))
                throw row.Mistake("binary is a text of hexadecimal digits, two for a byte (\"00 ff\"), or a list of numbers from 0 to 255");
            return number;
        }

        // What is there

        protected override List<Item> Compare()
        {
            foreach (Wanted wanted in rows.Where(row => !row.OfUsers))
                foreach (string view in wanted.Views)
                    Look(wanted, new Place { Hive = wanted.Root, View = view, Key = wanted.Key, Label = view });
            if (rows.Any(row => row.OfUsers))
                foreach (Hive hive in Hives.All(Warnings))
                    OfHive(hive, () =>
                    {
                        foreach (Wanted wanted in rows.Where(row => row.OfUsers && (row.Sid == null || Same(row.Sid, hive.Sid))))
                            foreach (string view in wanted.Views)
                                Look(wanted, new Place
                                {
                                    Hive = "HKU", User = hive, View = view, Key = hive.Mount + "\\" + wanted.Key,
                                    Label = hive.Sid + (wanted.Views.Length > 1 ? " " + view : "")
                                });
                    });
            foreach (Wanted wanted in rows)
                Summarise(wanted);
            Warnings.AddRange(domain.Unreadable.Select(gpo =>
                String.Format("the domain policy “{0}” applies here but cannot be read: what it sets is not recognised", gpo)));
            return rows.Select(row => row.Item).Concat(profiles).ToList();
        }

        private void OfHive(Hive hive, Action act)
        {
            try
            {
                Hives.With(hive, act);
            }
            catch (BatchException error)
            {
                Item item = profiles.FirstOrDefault(one => one.Name == hive.Label);
                if (item == null)
                    profiles.Add(item = new Item("profile", hive.Label, null));
                item.Fail(error.Message);
            }
        }

        private void Look(Wanted wanted, Place place)
        {
            wanted.Places.Add(place);
            if (wanted.Item.Failed)
                return;
            try
            {
                place.Existed = World.Registry.KeyExists(place.Hive, place.View, place.Key);
                if (wanted.Name == null)
                {
                    place.Extra = Extra(wanted, place);
                    place.Changes = place.Existed != wanted.Present || place.Extra.Any();
                    if (place.Changes)
                        place.Previous = Previous(wanted, place).ToList();
                    return;
                }
                place.Before = World.Registry.Read(place.Hive, place.View, place.Key, wanted.Name);
                place.Changes = wanted.Present ? !wanted.Data.SameAs(place.Before) : place.Before != null;
                Owned<RegistryData> owned = OwnedByDomain(wanted, place, wanted.Name);
                if (owned != null && !(wanted.Present ? wanted.Data.SameAs(owned.Value) : owned.Value == null))
                {
                    place.Domain = owned;
                    place.Changes = false;
                }
                if (place.Changes)
                    place.Previous = Previous(wanted, place).ToList();
            }
            catch (Exception error)
            {
                Fail(wanted, place, error);
            }
        }

        /// <summary>What a key holds beside the values of its <c>only</c>; a domain policy's own would come back, and stays.</summary>
        private List<string> Extra(Wanted wanted, Place place)
        {
            if (wanted.Only == null || !place.Existed)
                return new List<string>();
            return World.Registry.ValueNames(place.Hive, place.View, place.Key)
                .Where(name => !wanted.Only.Contains(name) && !SetByDomain(wanted, place, name))
                .OrderBy(name => name, StringComparer.Ordinal).ToList();
        }

        private bool SetByDomain(Wanted wanted, Place place, string name)
        {
            Owned<RegistryData> owned = OwnedByDomain(wanted, place, name);
            return owned != null && owned.Value != null;
        }

        private Owned<RegistryData> OwnedByDomain(Wanted wanted, Place place, string name)
        {
            if (place.User != null)
                return place.User.Sid == "Default" ? null : domain.Registry(place.User.Sid, wanted.Key, name);
            return place.Hive == "HKLM" ? domain.Registry(null, wanted.Key, name) : null;
        }

        private static void Summarise(Wanted wanted)
        {
            Item item = wanted.Item;
            item.Before = Each(wanted, place => Before(wanted, place));
            if (item.Failed)
                return;
            item.After = Each(wanted, place => place.Domain == null ? After(wanted) : Before(wanted, place));
            item.State = wanted.Present ? "present" : "absent";
            item.Changed = wanted.Places.Any(place => place.Changes);
            item.Previous = wanted.Places.SelectMany(place => place.Previous).ToList();
            if (wanted.Places.Count == 0)
            {
                item.State = "absent";
                item.Note = "nobody with this SID has a profile here";
            }
            Place domain = wanted.Places.FirstOrDefault(place => place.Domain != null);
            if (domain == null)
                return;
            bool others = item.Changed;
            item.LeaveTo(domain.Domain.Gpo, domain.Domain.Value == null ? null : (object)Text(domain.Domain.Value));
            item.After = Each(wanted, place => place.Domain == null ? After(wanted) : Before(wanted, place));
            item.Changed = others;
        }

        private static object Each(Wanted wanted, Func<Place, object> of)
        {
            if (wanted.Places.Count == 1 && !wanted.OfUsers)
                return of(wanted.Places[0]);
            Dictionary<string, object> all = new Dictionary<string, object>();
            foreach (Place place in wanted.Places)
                all[place.Label] = of(place);
            return all;
        }

        private static object Before(Wanted wanted, Place place)
        {
            if (wanted.Name == null)
                return !place.Existed ? null : place.Extra.Any() ? "key, with " + String.Join(", ", place.Extra) : "key";
            return Text(place.Before);
        }

        private static object After(Wanted wanted)
        {
            return wanted.Name == null ? (wanted.Present ? "key" : null) : (object)Text(wanted.Data);
        }

        private static Dictionary<string, object> Text(RegistryData data)
        {
            return data == null ? null : new Dictionary<string, object> { { "type", TypeName(data.Kind) }, { "value", Plain(data) } };
        }

        private static string TypeName(RegistryValueKind kind)
        {
            switch (kind)
            {
                case RegistryValueKind.DWord: return "dword";
                case RegistryValueKind.QWord: return "qword";
                case RegistryValueKind.String: return "string";
                case RegistryValueKind.ExpandString: return "expand_string";
                case RegistryValueKind.MultiString: return "multi_string";
                case RegistryValueKind.Binary: return "binary";
                case RegistryValueKind.None: return "none";
                default: return "unknown";
            }
        }

        /// <summary>The value as a row writes it.</summary>
        private static object Plain(RegistryData data)
        {
            if (data.Value is int)
                return (long)unchecked((uint)(int)data.Value);
            if (data.Value is long)
                return (decimal)unchecked((ulong)(long)data.Value);
            byte[] bytes = data.Value as byte[];
            return bytes == null ? data.Value : String.Concat(bytes.Select(one => one.ToString("x2")));
        }

        // The way back

        private static bool IsUnknown(RegistryData data)
        {
            return data != null && data.Kind == RegistryValueKind.Unknown; // drivers' types, which no row can write
        }

        private static IEnumerable<Dictionary<string, object>> Previous(Wanted wanted, Place place)
        {
            string root = place.User == null ? place.Hive : place.User.Label;
            string key = place.User == null ? place.Key : wanted.Key;
            if (wanted.Name != null)
                return IsUnknown(place.Before) ? new Dictionary<string, object>[0]
                    : new Dictionary<string, object>[] { RowOf(root, key, place.View, wanted.Name, place.Before) };
            if (wanted.Present) // a key that others may have used since is not taken away
                return place.Extra.Select(name => new { name, data = World.Registry.Read(place.Hive, place.View, place.Key, name) })
                    .Where(one => !IsUnknown(one.data)).Select(one => RowOf(root, key, place.View, one.name, one.data));
            return Tree(place, root, key, "");
        }

        private static IEnumerable<Dictionary<string, object>> Tree(Place place, string root, string key, string below)
        {
            string at = place.Key + below;
            List<Dictionary<string, object>> tree = new List<Dictionary<string, object>>
            {
                RowOf(root, key + below, place.View, null, null, "present")
            };
            foreach (string name in World.Registry.ValueNames(place.Hive, place.View, at))
            {
                RegistryData data = World.Registry.Read(place.Hive, place.View, at, name);
                if (!IsUnknown(data))
                    tree.Add(RowOf(root, key + below, place.View, name, data));
            }
            foreach (string name in World.Registry.SubKeys(place.Hive, place.View, at))
                tree.AddRange(Tree(place, root, key, below + "\\" + name));
            return tree;
        }

        private static Dictionary<string, object> RowOf(string root, string key, string view, string name, RegistryData data, string state = null)
        {
            Dictionary<string, object> row = new Dictionary<string, object> { { "key", root + "\\" + key }, { "view", view } };
            if (name != null)
                row["name"] = name;
            row["state"] = state ?? (data == null ? "absent" : "present");
            if (data != null)
            {
                row["type"] = TypeName(data.Kind);
                row["value"] = Plain(data);
            }
            return row;
        }

        protected override void Return(List<Item> changed, WayBack way)
        {
            foreach (Dictionary<string, object> row in changed.SelectMany(item => item.Previous))
                way.Registry(row);
            if (way.HasRegistry && changed.Any(IsOfFirewall))
                way.Run("gpupdate.exe", RefreshOptions);
        }

        // Settling

        protected override void Settle(List<Item> changed)
        {
            List<Wanted> due = rows.Where(row => row.Item.Changed).ToList();
            foreach (Wanted wanted in due)
                foreach (Place place in wanted.Places.Where(place => place.User == null && place.Changes))
                    Set(wanted, place);
            foreach (Hive hive in due.SelectMany(row => row.Places).Where(place => place.User != null && place.Changes)
                .Select(place => place.User).Distinct().ToList())
                OfHive(hive, () =>
                {
                    foreach (Wanted wanted in due)
                        foreach (Place place in wanted.Places.Where(place => place.User == hive && place.Changes))
                            Set(wanted, place);
                });
            foreach (Wanted wanted in due)
                wanted.Item.Changed = wanted.Places.Any(place => place.Done);
            if (changed.Any(item => item.Changed && IsOfFirewall(item)))
                Refresh();
        }

        private static bool IsOfFirewall(Item item)
        {
            return item.Name.StartsWith(FirewallPolicy, StringComparison.OrdinalIgnoreCase);
        }

        /// <summary>
        /// Have the firewall read its policy now: what would lock out must do so while the way back is armed, and not hours later.
        /// </summary>
        private void Refresh()
        {
            Ran ran = World.Machine.Run("gpupdate.exe", RefreshOptions);
            if (ran.Code != 0)
                Warnings.Add(String.Format("the firewall reads its policy at the next refresh only: gpupdate ended with {0}: {1}", ran.Code, ran.Words));
        }

        private static void Set(Wanted wanted, Place place)
        {
            try
            {
                if (wanted.Name == null && wanted.Present)
                {
                    World.Registry.CreateKey(place.Hive, place.View, place.Key);
                    foreach (string name in place.Extra)
                        World.Registry.DeleteValue(place.Hive, place.View, place.Key, name);
                }
                else if (wanted.Name == null)
                    World.Registry.DeleteTree(place.Hive, place.View, place.Key);
                else if (wanted.Present)
                    World.Registry.Write(place.Hive, place.View, place.Key, wanted.Name, wanted.Data);
                else
                    World.Registry.DeleteValue(place.Hive, place.View, place.Key, wanted.Name);
                place.Done = true;
            }
            catch (Exception error)
            {
                Fail(wanted, place, error);
            }
        }

        private static void Fail(Wanted wanted, Place place, Exception error)
        {
            string reason = Explain(error);
            if (reason == null && !(error is ArgumentException))
                throw new InvalidOperationException(wanted.Item.Name, error);
            wanted.Item.Fail((place.User == null ? "" : place.Label + ": ") + (reason ?? error.Message));
        }

        private static bool Same(string one, string other)
        {
            return String.Equals(one, other, StringComparison.OrdinalIgnoreCase);
        }
    }
}
