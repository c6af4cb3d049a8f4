// Copyright: Praxisschild contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

using System;
using System.Collections;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Management.Automation;
using System.Security;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using Ansible.Basic;
using Ansible.Praxisschild.Guard;
using Ansible.Praxisschild.Windows;

namespace Ansible.Praxisschild.Batch
{
    /// <summary>One setting as somebody declared it; every complaint names it.</summary>
    public class Row
    {
        private readonly IDictionary written;
        private readonly string place;

        public Row(IDictionary written, int number, string nameKey)
        {
            this.written = written;
            object name = written[nameKey];
            place = String.Format("row {0} ({1})", number, name ?? "without a name");
        }

        public bool Has(string key)
        {
            return written.Contains(key) && written[key] != null;
        }

        public object Raw(string key)
        {
            return Has(key) ? Bare(written[key]) : null;
        }

        /// <summary>PowerShell may hand over a value inside an object of its own.</summary>
        private static object Bare(object value)
        {
            PSObject wrapped = value as PSObject;
            return wrapped == null ? value : wrapped.BaseObject;
        }

        public string Text(string key, string otherwise)
        {
            return Has(key) ? Convert.ToString(Raw(key), CultureInfo.InvariantCulture) : otherwise;
        }

        public string Needed(string key)
        {
            string text = Text(key, null);
            if (text == null)
                throw Mistake("`{0}` is missing", key);
            return text;
        }

        public string OneOf(string key, string otherwise, params string[] choices)
        {
            string text = Text(key, otherwise);
            if (!choices.Contains(text))
                throw Mistake("`{0}` is {1}, not {2}", key, String.Join(" or ", choices), text ?? "nothing");
            return text;
        }

        public bool Truth(string key, bool otherwise)
        {
            object value = Raw(key);
            if (value == null)
                return otherwise;
            if (value is bool)
                return (bool)value;
            throw Mistake("`{0}` is true or false, not {1}", key, value);
        }

        public List<object> Many(string key)
        {
            object value = Raw(key);
            IEnumerable many = value as IEnumerable;
            return value == null ? new List<object>() : value is string || many == null
                ? new List<object> { value } : many.Cast<object>().Select(Bare).ToList();
        }

        public string Identity(Func<IDictionary, string> of)
        {
            return of(written);
        }

        public string Show(object value)
        {
            return Has("secret") && Object.Equals(Raw("secret"), true) ? "(secret)" : Shown.Text(value);
        }

        public BatchException Mistake(string reason, params object[] arguments)
        {
            return new BatchException(place + ": " + String.Format(reason, arguments));
        }
    }

    /// <summary>What became of one setting; the entry of the same name in the module's result.</summary>
    public class Item
    {
        public string Kind;
        public string Name;
        public Row Row;
        public bool Changed;
        public string State;
        public object Before;
        public object After;
        public string Reason;
        public string Note;

        /// <summary>Of a setting that nobody asks for any more, what becomes of it.</summary>
        public string Fate;
        public string Gpo;

        /// <summary>Rows of the same module that bring back what was there before; for items that change.</summary>
        public List<Dictionary<string, object>> Previous = new List<Dictionary<string, object>>();

        public Item(string kind, string name, Row row)
        {
            Kind = kind;
            Name = name;
            Row = row;
            State = "present";
        }

        public bool Failed { get { return State == "failed"; } }

        public void Fail(string reason)
        {
            Changed = false;
            State = "failed";
            After = Before;
            Reason = reason;
        }

        /// <summary>A domain policy wants something else: it would win at its next refresh, so it is left alone.</summary>
        public void LeaveTo(string gpo, object itsValue)
        {
            Changed = false;
            State = "domain_policy";
            Gpo = gpo;
            After = Before;
            Reason = String.Format("the domain policy “{0}” sets {1} here; change it there", gpo, Shown.Text(itsValue));
        }

        public Dictionary<string, object> ToResult()
        {
            bool secret = Row != null && Row.Truth("secret", false);
            Dictionary<string, object> result = new Dictionary<string, object>
            {
                { "kind", Kind },
                { "name", Name },
                { "changed", Changed },
                { "state", State },
                { "before", secret ? "(secret)" : Before },
                { "after", secret ? "(secret)" : After },
                { "requirements", Row == null ? new List<object>() : Row.Many("requirements") },
            };
            if (Row != null && Row.Has("role"))
                result["role"] = Row.Text("role", null);
            if (Row != null && Row.Has("policy"))
                result["policy"] = Row.Text("policy", null);
            if (Failed)
                result["failed"] = true;
            if (Reason != null)
                result["reason"] = Reason;
            if (Note != null || Fate != null)
                result["note"] = String.Join("; ", new string[] { Note, Fate }.Where(words => words != null));
            if (Gpo != null)
                result["gpo"] = Gpo;
            return result;
        }
    }

    /// <summary>Values as diffs and messages show them.</summary>
    public static class Shown
    {
        public static string Text(object value)
        {
            if (value == null)
                return "nothing";
            if (value is bool)
                return (bool)value ? "true" : "false";
            IDictionary fields = value as IDictionary;
            if (fields != null && fields.Contains("type"))
                return fields["type"] + ":" + Text(fields["value"]);
            if (fields != null && fields.Values.Cast<object>().Select(Text).Distinct().Count() == 1)
                return Text(fields.Values.Cast<object>().First()); // everybody has the same
            if (fields != null)
                return "{" + String.Join("; ", fields.Keys.Cast<object>().Select(key => key + "=" + Text(fields[key]))) + "}";
            IEnumerable many = value as IEnumerable;
            if (many != null && !(value is string))
                return "[" + String.Join(", ", many.Cast<object>().Select(Text)) + "]";
            return Convert.ToString(value, CultureInfo.InvariantCulture).Replace("\r", "\\r").Replace("\n", "\\n");
        }
    }

    /// <summary>Argument specs, written in the words of Ansible.</summary>
    public static class Spec
    {
        public static Hashtable Option(string type, params object[] more)
        {
            Hashtable option = new Hashtable { { "type", type } };
            for (int i = 0; i < more.Length; i += 2)
                option[more[i]] = more[i + 1] is string[] ? ((string[])more[i + 1]).Cast<object>().ToList() : more[i + 1];
            return option;
        }

        /// <summary>The options that the four modules share, around the keys of their rows.</summary>
        public static Hashtable Of(Hashtable rowOptions, params string[] identity)
        {
            rowOptions["requirements"] = Option("list", "elements", "str", "aliases", new List<string> { "requirement" });
            rowOptions["role"] = Option("str");
            Hashtable released = new Hashtable();
            foreach (string key in identity.Concat(new string[] { "requirements", "role" }))
                released[key] = ((Hashtable)rowOptions[key]).Clone();
            rowOptions["policy"] = Option("str");
            rowOptions["secret"] = Option("bool", "default", false);
            return new Hashtable
            {
                { "options", new Hashtable
                    {
                        { "rows", Option("list", "elements", "dict", "options", rowOptions) },
                        { "release", Option("list", "elements", "dict", "options", released) },
                        { "run", Option("str") },
                        { "restore", Option("str") },
                        { "guard", Option("int", "default", 0) },
                    }
                },
                { "mutually_exclusive", new object[] { new string[] { "rows", "restore" }, new string[] { "release", "restore" } } },
                { "required_one_of", new object[] { new string[] { "rows", "restore" } } },
                { "supports_check_mode", true },
            };
        }
    }

    /// <summary>
    /// One call: compare all rows, keep what will be replaced, settle what differs, tell what became of each row.
    /// </summary>
    public abstract class Batch
    {
        /// <summary>Name of the file that keeps what a run replaced, and of the kind in <c>praxisschild_windows</c>.</summary>
        protected abstract string Kind { get; }

        /// <summary>Key by which a complaint names a row.</summary>
        protected abstract string NameKey { get; }

        /// <summary>Keys that tell settings apart; rows with the same values there are about the same setting.</summary>
        protected abstract string[] Identity { get; }

        /// <summary>Check one row; complaints about any row come before the first change.</summary>
        protected abstract void Read(Row row);

        /// <summary>Find out what differs; <c>Changed</c> is final unless settling fails.</summary>
        protected abstract List<Item> Compare();

        /// <summary>Settle the items that changed; an item that cannot be settled fails alone.</summary>
        protected abstract void Settle(List<Item> changed);

        /// <summary>How the host gets back by itself what these items are about to replace, as far as it could close the way in.</summary>
        protected virtual void Return(List<Item> changed, WayBack way)
        {
        }

        protected List<string> Warnings = new List<string>();
        protected bool RebootRequired;

        public static void Run(Batch batch, AnsibleModule module)
        {
            List<Item> items = new List<Item>();
            string kept = null;
            string problem = null;
            bool settling = false;
            Originals originals = new Originals(batch.Kind, batch.Identity);
            try
            {
                module.Result["invocation"] = new Dictionary<string, object>(); // values, secrets among them: not echoed
                batch.Read(batch.Rows(module));
                originals.Release((IList)module.Params["release"], batch.NameKey, batch.Read, batch.Warnings);
                items = batch.Compare();
                originals.LeaveAlone(items);
                List<Item> changed = items.Where(item => item.Changed).ToList();
                if (changed.Count > 0 && !module.CheckMode)
                {
                    KeepSecrets(changed);
                    originals.Read(batch.Warnings);
                    string run = (string)module.Params["run"] ?? DateTime.UtcNow.ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture);
                    if (module.Params["restore"] == null)
                        kept = Kept.Write(run, batch.Kind, changed);
                    batch.Arm(module, run, changed);
                    settling = true;
                    batch.Settle(changed);
                    if (module.Params["restore"] == null)
                        originals.Remember(changed, batch.Fresh, batch.Warnings);
                }
                if (!module.CheckMode)
                    originals.Save(items);
            }
            catch (Exception error)
            {
                string reason = Explain(error);
                if (reason == null)
                    throw;
                problem = reason;
                if (!settling)
                    foreach (Item item in items)
                        item.Changed = false;
            }
            batch.Report(module, items, kept, problem);
        }

        /// <summary>What a secret replaced is shown as little as the secret, when it comes back.</summary>
        private static void KeepSecrets(List<Item> changed)
        {
            foreach (Item item in changed.Where(one => one.Row != null && one.Row.Truth("secret", false)))
                foreach (Dictionary<string, object> row in item.Previous)
                    row["secret"] = true;
        }

        private void Read(IList rows)
        {
            int number = 0;
            foreach (object row in rows)
                Read(new Row((IDictionary)row, ++number, NameKey));
        }

        /// <summary>Compare rows that are not part of this call.</summary>
        private List<Item> Fresh(IList rows)
        {
            Batch other = (Batch)Activator.CreateInstance(GetType());
            other.Read(rows);
            return other.Compare();
        }

        private void Arm(AnsibleModule module, string run, List<Item> changed)
        {
            int seconds = (int)module.Params["guard"];
            WayBack way = new WayBack();
            Return(changed, way);
            if (seconds <= 0 || way.Nothing)
                return;
            DeadMan.Arm(way, run, seconds);
            module.Result["armed"] = run;
        }

        private IList Rows(AnsibleModule module)
        {
            string run = (string)module.Params["restore"];
            IList rows = run == null ? (IList)module.Params["rows"] : Kept.Read(run, Kind);
            return rows ?? new List<object>();
        }

        /// <summary>Words for what Windows refuses; null if it is a mistake of ours. .NET's own words are localised.</summary>
        public static string Explain(Exception error)
        {
            if (error is BatchException)
                return error.Message;
            if (error is UnauthorizedAccessException || error is SecurityException)
                return "access denied: the account of the connection may not change it (system or a security product protects it)";
            if (error is IOException)
                return "Windows could not read or write it: " + error.Message.Trim();
            return null;
        }

        private void Report(AnsibleModule module, List<Item> items, string kept, string problem)
        {
            foreach (string warning in Warnings)
                module.Warn(warning);
            List<Item> failed = items.Where(item => item.Failed).ToList();
            module.Result["changed"] = items.Any(item => item.Changed);
            module.Result["items"] = items.Select(item => (object)item.ToResult()).ToList();
            if (kept != null)
                module.Result["kept"] = kept;
            if (RebootRequired)
                module.Result["reboot_required"] = true;
            if (module.DiffMode)
                Differences(module, items.Where(item => item.Changed));
            if (problem != null)
                module.FailJson(problem);
            if (failed.Count > 0)
                module.FailJson(String.Format("{0} of {1} could not be set, the others were{2}: {3}", failed.Count, items.Count,
                    module.CheckMode ? " only compared" : "", String.Join("; ", failed.Select(item => item.Name + ": " + item.Reason))));
            module.ExitJson();
        }

        private static void Differences(AnsibleModule module, IEnumerable<Item> changed)
        {
            StringBuilder before = new StringBuilder();
            StringBuilder after = new StringBuilder();
            foreach (Dictionary<string, object> item in changed.Select(item => item.ToResult()))
            {
                before.Append(item["name"]).Append(" = ").Append(Shown.Text(item["before"])).Append('\n');
                after.Append(item["name"]).Append(" = ").Append(Shown.Text(item["after"])).Append('\n');
            }
            module.Diff["before"] = before.ToString();
            module.Diff["after"] = after.ToString();
        }
    }

    /// <summary>
    /// What a run replaced: <c>%ProgramData%\Praxisschild\runs\(run)\(kind).json</c>, readable by administrators only.
    /// </summary>
    public static class Kept
    {
        private const int Newest = 10;
        private static readonly Regex RunName = new Regex(@"^[0-9A-Za-z][0-9A-Za-z_-]{0,80}$");

        /// <summary>Whether a path below our folder belongs to what is kept there.</summary>
        public static bool IsKept(string path)
        {
            return new string[] { "runs", Originals.Folder }.Contains(path.Split('\\')[0], StringComparer.OrdinalIgnoreCase);
        }

        private static string Folder(string run)
        {
            if (!RunName.IsMatch(run))
                throw new BatchException(String.Format("run “{0}”: letters, digits, - and _ only", run));
            return Store.Home + @"\runs\" + run;
        }

        public static string Write(string run, string kind, List<Item> changed)
        {
            string path = Folder(run) + @"\" + kind + ".json";
            WriteRows(path, kind, changed.SelectMany(item => item.Previous).ToList());
            Prune(run);
            return path;
        }

        public static void WriteRows(string path, string kind, List<Dictionary<string, object>> rows)
        {
            Store.Protect();
            string file = World.Machine.Native(path);
            Directory.CreateDirectory(Path.GetDirectoryName(file));
            Dictionary<string, object> content = new Dictionary<string, object> { { "kind", kind }, { "rows", rows } };
            File.WriteAllText(file + ".new", AnsibleModule.ToJson(content), new UTF8Encoding(false));
            if (File.Exists(file))
                File.Delete(file);
            File.Move(file + ".new", file);
        }

        /// <summary>What WriteRows has kept; a file that is anything else is a complaint.</summary>
        public static IList ReadRows(string path, string kind)
        {
            try
            {
                IDictionary<string, object> content =
                    AnsibleModule.FromJson<Dictionary<string, object>>(World.ReadText(World.Machine.Native(path)));
                if (content != null && (string)content["kind"] == kind)
                    return (IList)content["rows"];
            }
            catch (Exception error)
            {
                if (!(error is ArgumentException || error is InvalidOperationException || error is KeyNotFoundException
                    || error is InvalidCastException))
                    throw;
            }
            throw new BatchException(String.Format("{0}: is not what this module keeps", path));
        }

        private const string Latest = "latest";

        /// <summary>Name of the newest run that replaced anything; null if there was none.</summary>
        private static string NewestRun()
        {
            DirectoryInfo runs = new DirectoryInfo(World.Machine.Native(Store.Home + @"\runs"));
            return runs.Exists ? runs.GetDirectories().Select(one => one.Name).Where(name => RunName.IsMatch(name))
                .OrderByDescending(name => name, StringComparer.Ordinal).FirstOrDefault() : null;
        }

        /// <summary>What a run replaced of a kind; nothing if the run did not replace anything of it.</summary>
        public static IList Read(string run, string kind)
        {
            run = run == Latest ? NewestRun() : run;
            if (run == null)
                return new List<object>();
            string folder = Folder(run);
            string path = folder + @"\" + kind + ".json";
            if (!Directory.Exists(World.Machine.Native(folder)))
                throw new BatchException(String.Format("{0}: there is no such run; it replaced nothing, or was removed", folder));
            if (!World.FileExists(path))
                return new List<object>();
            Store.Protect(); // what an ordinary user could have written there is not applied
            return ReadRows(path, kind);
        }

        private static void Prune(string current)
        {
            DirectoryInfo runs = new DirectoryInfo(World.Machine.Native(Store.Home + @"\runs"));
            foreach (DirectoryInfo old in runs.GetDirectories().Where(one => one.Name != current)
                .OrderByDescending(one => one.CreationTimeUtc).Skip(Newest - 1))
                old.Delete(true);
        }
    }

    /// <summary>
    /// What was there before any run set it for the first time, by setting: <c>%ProgramData%\Praxisschild\original\(kind).json</c>.
    /// A setting that nobody asks for any more goes back to that, as long as it still is what we have set.
    /// </summary>
    public class Originals
    {
        public const string Folder = "original";

        private readonly string kind;
        private readonly string[] identity;
        private readonly string path;
        private List<Dictionary<string, object>> kept = new List<Dictionary<string, object>>();
        private readonly Dictionary<Row, Dictionary<string, object>> due = new Dictionary<Row, Dictionary<string, object>>();
        private bool isRead;
        private bool isNew;

        public Originals(string kind, string[] identity)
        {
            this.kind = kind;
            this.identity = identity;
            path = Store.Home + @"\" + Folder + @"\" + kind + ".json";
        }

        /// <summary>What an ordinary user could have written there is not ours.</summary>
        public void Read(List<string> warnings)
        {
            if (isRead)
                return;
            isRead = true;
            try
            {
                if (World.FileExists(path) && Store.IsProtected())
                    kept = Kept.ReadRows(path, kind).Cast<IDictionary<string, object>>()
                        .Where(one => one.ContainsKey("setting") && one.ContainsKey("row") && one.ContainsKey("set"))
                        .Select(one => new Dictionary<string, object>(one)).ToList();
            }
            catch (BatchException error)
            {
                warnings.Add(error.Message + "; what earlier runs have replaced is not given back");
            }
        }

        /// <summary>One text for all spellings of a setting.</summary>
        private string Of(IDictionary row)
        {
            return String.Join("|", identity.Select(key => row.Contains(key) && row[key] != null
                ? "=" + Convert.ToString(row[key], CultureInfo.InvariantCulture).ToLowerInvariant().Replace(":\\", "\\").Trim('{', '}')
                : key == "view" ? "=64" : ""));
        }

        /// <summary>Have rows read that bring back what released settings were.</summary>
        public void Release(IList released, string nameKey, Action<Row> read, List<string> warnings)
        {
            if (released == null || released.Count == 0)
                return;
            Read(warnings);
            Dictionary<string, IDictionary> wanted = new Dictionary<string, IDictionary>();
            foreach (IDictionary one in released)
                wanted[Of(one)] = one;
            foreach (Dictionary<string, object> original in kept.Where(one => wanted.ContainsKey((string)one["setting"])))
            {
                Dictionary<string, object> fields = new Dictionary<string, object>((IDictionary<string, object>)original["row"]);
                foreach (string key in new string[] { "requirements", "role" })
                    fields[key] = wanted[(string)original["setting"]][key];
                Row row = new Row(fields, due.Count + 1, nameKey);
                try
                {
                    read(row);
                    due[row] = original;
                }
                catch (BatchException error)
                {
                    warnings.Add("not given back: " + error.Message);
                }
            }
        }

        /// <summary>What somebody else has changed since is theirs.</summary>
        public void LeaveAlone(List<Item> items)
        {
            foreach (Item item in items.Where(one => one.Row != null && due.ContainsKey(one.Row)))
            {
                bool ours = (string)due[item.Row]["set"] == Digest(item);
                if (!item.Changed)
                    continue;
                item.Fate = ours ? "no longer asked for: as it was before the first run"
                    : "no longer asked for, and changed by somebody else since: left alone";
                if (ours)
                    continue;
                item.Changed = false;
                item.After = item.Before;
            }
        }

        /// <summary>Keep what these items have replaced, unless an earlier run was the first to replace it.</summary>
        public void Remember(List<Item> changed, Func<IList, List<Item>> compare, List<string> warnings)
        {
            Dictionary<string, Dictionary<string, object>> known = kept.ToDictionary(one => Of((IDictionary)one["row"]));
            Dictionary<string, Dictionary<string, object>> set = new Dictionary<string, Dictionary<string, object>>();
            foreach (Item item in changed.Where(one => !one.Failed && one.Row != null && !due.ContainsKey(one.Row)))
                foreach (Dictionary<string, object> row in item.Previous)
                {
                    string place = Of(row);
                    Dictionary<string, object> original;
                    if (!known.TryGetValue(place, out original))
                        original = known[place] = new Dictionary<string, object> { { "row", row } };
                    original["setting"] = item.Row.Identity(Of);
                    set[place] = original;
                }
            if (set.Count == 0)
                return;
            List<Dictionary<string, object>> settled = set.Values.ToList();
            try
            {
                List<Item> now = compare(settled.Select(one => one["row"]).ToList());
                for (int i = 0; i < settled.Count; i++)
                    settled[i]["set"] = Digest(now[i]);
            }
            catch (BatchException error)
            {
                warnings.Add("what was there before is not kept: " + error.Message);
                return;
            }
            kept = known.Values.ToList();
            isNew = true;
        }

        /// <summary>What has been given back, or belongs to somebody else, is not ours to give back again.</summary>
        public void Save(List<Item> items)
        {
            foreach (Item item in items.Where(one => !one.Failed && one.Row != null && due.ContainsKey(one.Row)))
                isNew |= kept.Remove(due[item.Row]);
            if (isNew)
                Kept.WriteRows(path, kind, kept);
        }

        private static string Digest(Item item)
        {
            using (SHA256 digest = SHA256.Create())
                return Convert.ToBase64String(digest.ComputeHash(Encoding.UTF8.GetBytes(Shown.Text(item.Before))));
        }
    }

    /// <summary>A folder of this call's own, gone at its end.</summary>
    public sealed class WorkFolder : IDisposable
    {
        public readonly string Path;

        public WorkFolder()
        {
            Path = System.IO.Path.Combine(System.IO.Path.GetTempPath(), "praxisschild-" + Guid.NewGuid().ToString("N"));
            Directory.CreateDirectory(Path);
        }

        public string File(string name)
        {
            return System.IO.Path.Combine(Path, name);
        }

        public void Dispose()
        {
            try
            {
                Directory.Delete(Path, true);
            }
            catch (IOException)
            {
                // a scanner still looks into it; the temporary folder is cleaned by Windows too
            }
        }
    }
}
