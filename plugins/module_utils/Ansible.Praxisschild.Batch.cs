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
            if (Note != null)
                result["note"] = Note;
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
        public static Hashtable Of(Hashtable rowOptions)
        {
            rowOptions["requirements"] = Option("list", "elements", "str", "aliases", new List<string> { "requirement" });
            rowOptions["role"] = Option("str");
            rowOptions["policy"] = Option("str");
            rowOptions["secret"] = Option("bool", "default", false);
            return new Hashtable
            {
                { "options", new Hashtable
                    {
                        { "rows", Option("list", "elements", "dict", "options", rowOptions) },
                        { "run", Option("str") },
                        { "restore", Option("str") },
                        { "guard", Option("int", "default", 0) },
                    }
                },
                { "mutually_exclusive", new object[] { new string[] { "rows", "restore" } } },
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
            try
            {
                module.Result["invocation"] = new Dictionary<string, object>(); // values, secrets among them: not echoed
                IList rows = batch.Rows(module);
                int number = 0;
                foreach (object row in rows)
                    batch.Read(new Row((IDictionary)row, ++number, batch.NameKey));
                items = batch.Compare();
                List<Item> changed = items.Where(item => item.Changed).ToList();
                if (changed.Count > 0 && !module.CheckMode)
                {
                    string run = (string)module.Params["run"] ?? DateTime.UtcNow.ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture);
                    if (module.Params["restore"] == null)
                        kept = Kept.Write(run, batch.Kind, changed);
                    batch.Arm(module, run, changed);
                    settling = true;
                    batch.Settle(changed);
                }
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

        /// <summary>Whether a path below our folder belongs to the runs that are kept there.</summary>
        public static bool IsRun(string path)
        {
            return String.Equals(path.Split('\\')[0], "runs", StringComparison.OrdinalIgnoreCase);
        }

        private static string Folder(string run)
        {
            if (!RunName.IsMatch(run))
                throw new BatchException(String.Format("run “{0}”: letters, digits, - and _ only", run));
            return Store.Home + @"\runs\" + run;
        }

        public static string Write(string run, string kind, List<Item> changed)
        {
            string folder = Folder(run);
            Store.Protect();
            Directory.CreateDirectory(World.Machine.Native(folder));
            List<Dictionary<string, object>> rows = changed.SelectMany(item => item.Previous).ToList();
            Dictionary<string, object> content = new Dictionary<string, object> { { "kind", kind }, { "rows", rows } };
            string file = World.Machine.Native(folder + @"\" + kind + ".json");
            File.WriteAllText(file + ".new", AnsibleModule.ToJson(content), new UTF8Encoding(false));
            if (File.Exists(file))
                File.Delete(file);
            File.Move(file + ".new", file);
            Prune(run);
            return folder + @"\" + kind + ".json";
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
            throw new BatchException(String.Format("{0}: is not what this module keeps; nothing was restored", path));
        }

        private static void Prune(string current)
        {
            DirectoryInfo runs = new DirectoryInfo(World.Machine.Native(Store.Home + @"\runs"));
            foreach (DirectoryInfo old in runs.GetDirectories().Where(one => one.Name != current)
                .OrderByDescending(one => one.CreationTimeUtc).Skip(Newest - 1))
                old.Delete(true);
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
