// Copyright: Praxisschild contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

using System;
using System.Collections;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Management;
using System.Text;
using System.Text.RegularExpressions;
using System.Threading;
using System.Xml;
using Ansible.Basic;
using Ansible.Praxisschild.AccountRows;
using Ansible.Praxisschild.Accounts;
using Ansible.Praxisschild.Batch;
using Ansible.Praxisschild.Cim;
using Ansible.Praxisschild.Guard;
using Ansible.Praxisschild.Windows;

//AssemblyReference -Name System.Xml.dll -CLR Framework

namespace Ansible.Praxisschild.Components
{
    public class Wanted
    {
        public Row Row;
        public Item Item;
        public string Kind;
        public string Name;
        public string Start; // services
        public string State;
        public string Xml; // tasks
        public string Content; // files
        public string FoundStart;
        public string FoundState;
    }

    /// <summary>Services, optional features, scheduled tasks and the files that these read, local accounts and groups.</summary>
    public class ComponentsBatch : Batch.Batch
    {
        private static readonly string[] Keys = new string[] { "kind", "name" };
        private const int RebootNeeded = 3010;
        private const int ServiceUnknown = 1060;
        private const int AlreadyRuns = 1056;
        private const int RunsNot = 1062;
        private static readonly string[] Ways = new string[] { "WinRM", "mpssvc", "BFE", "Netlogon", "LanmanServer", "LanmanWorkstation", "Dnscache" };
        private static readonly string[] ServiceStates = new string[]
        {
            null, "stopped", "starting", "stopping", "running", "continuing", "pausing", "paused"
        };

        private static readonly Regex Number = new Regex(@"^\s+[^:]*:\s*([0-9a-fA-F]+)\s");
        private static readonly Regex Feature = new Regex(@"^(?<name>[A-Za-z0-9][^\s|]*)\s*\|\s*(?<state>[A-Z][A-Za-z ]*?)\s*$");

        private readonly List<Wanted> rows = new List<Wanted>();
        private readonly List<AccountRow> people = new List<AccountRow>();
        private readonly List<Item> items = new List<Item>(); // in the order of the rows

        protected override string Kind { get { return "components"; } }

        protected override string NameKey { get { return "name"; } }

        protected override string[] Identity { get { return Keys; } }

        public static Hashtable Spec()
        {
            return Batch.Spec.Of(new Hashtable
            {
                { "kind", Batch.Spec.Option("str", "required", true, "choices", new string[] { "service", "feature", "task", "file", "account", "group" }) },
                { "name", Batch.Spec.Option("str", "required", true) },
                { "state", Batch.Spec.Option("str", "choices",
                    new string[] { "running", "stopped", "enabled", "disabled", "present", "absent" }) },
                { "start", Batch.Spec.Option("str", "choices", new string[] { "auto", "delayed", "manual", "disabled" }) },
                { "xml", Batch.Spec.Option("str") },
                { "members", Batch.Spec.Option("list", "elements", "str") },
                { "allowed", Batch.Spec.Option("list", "elements", "str") },
                { "content", Batch.Spec.Option("str") },
            }, Keys);
        }

        public static void Run(AnsibleModule module)
        {
            Run(new ComponentsBatch(), module);
        }

        protected override void Read(Row row)
        {
            string kind = row.OneOf("kind", null, "service", "feature", "task", "file", "account", "group");
            if (items.Any(other => other.Kind == kind && String.Equals(other.Name, row.Text("name", null), StringComparison.OrdinalIgnoreCase)))
                throw row.Mistake("stands there twice");
            if (kind == "account" || kind == "group")
            {
                if (row.Has("start") || row.Has("xml") || row.Has("content"))
                    throw row.Mistake("`start`, `xml` and `content` belong to services, tasks and files");
                people.Add(new AccountRow(row, kind));
                items.Add(people.Last().Item);
                return;
            }
            if (row.Has("members") || row.Has("allowed"))
                throw row.Mistake("`members` belongs to a group");
            Wanted wanted = new Wanted
            {
                Row = row, Kind = kind, Name = row.Needed("name"),
                Start = row.Text("start", null), State = row.Text("state", null), Xml = row.Text("xml", null),
                Content = row.Text("content", null),
            };
            if (wanted.Kind == "service")
                ReadService(wanted);
            else if (wanted.Start != null)
                throw row.Mistake("`start` belongs to services");
            else if (wanted.Kind == "feature")
                wanted.State = row.OneOf("state", null, "enabled", "disabled");
            else if (wanted.Kind == "file")
                ReadFile(wanted);
            else
                ReadTask(wanted);
            if (wanted.Kind != "task" && wanted.Xml != null)
                throw row.Mistake("`xml` belongs to tasks");
            if (wanted.Kind != "file" && wanted.Content != null)
                throw row.Mistake("`content` belongs to files");
            if ((wanted.Kind == "service" || wanted.Kind == "feature") && !Regex.IsMatch(wanted.Name, @"^[^\s/\\""]+$"))
                throw row.Mistake("no name of a {0}; it is the short one, not what the desktop shows", wanted.Kind);
            wanted.Item = new Item(wanted.Kind, wanted.Name, row);
            rows.Add(wanted);
            items.Add(wanted.Item);
        }

        private static void ReadService(Wanted wanted)
        {
            if (wanted.Start == null && wanted.State == null)
                throw wanted.Row.Mistake("a service has a `start`, a `state` or both");
            if (wanted.Start != null)
                wanted.Row.OneOf("start", null, "auto", "delayed", "manual", "disabled");
            if (wanted.State != null)
                wanted.Row.OneOf("state", null, "running", "stopped");
            if (wanted.Start == "disabled" && wanted.State == "running")
                throw wanted.Row.Mistake("a disabled service cannot run");
        }

        private static void ReadTask(Wanted wanted)
        {
            wanted.State = wanted.Row.OneOf("state", "present", "present", "absent", "enabled", "disabled");
            if (!Regex.IsMatch(wanted.Name, @"^(\\[^\\/:*?""<>|\r\n]+)+$") || wanted.Name.Split('\\').Contains(".."))
                throw wanted.Row.Mistake("a task is named by its path, which begins with a backslash");
            if ((wanted.State == "present") != (wanted.Xml != null))
                throw wanted.Row.Mistake("`xml` belongs to a task that is to be present, and is needed there");
            if (wanted.State == "present")
                TaskXml.Read(wanted.Xml, reason => wanted.Row.Mistake("`xml`: {0}", reason));
        }

        private static void ReadFile(Wanted wanted)
        {
            wanted.State = wanted.Row.OneOf("state", "present", "present", "absent");
            string[] parts = wanted.Name.Split('\\');
            if (!parts.All(part => Regex.IsMatch(part, @"^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$")) || Kept.IsKept(wanted.Name))
                throw wanted.Row.Mistake(@"a file is named by its path below %ProgramData%\Praxisschild, outside of runs");
            if ((wanted.State == "present") != (wanted.Content != null))
                throw wanted.Row.Mistake("`content` belongs to a file that is to be present, and is needed there");
        }

        // What is there

        protected override List<Item> Compare()
        {
            Dictionary<string, string> features = rows.Any(row => row.Kind == "feature") ? Features() : null;
            Dictionary<string, string> services = rows.Any(row => row.Kind == "service") ? Services() : null;
            foreach (Wanted wanted in rows)
            {
                try
                {
                    if (wanted.Kind == "service")
                        CompareService(wanted, services);
                    else if (wanted.Kind == "feature")
                        CompareFeature(wanted, features);
                    else if (wanted.Kind == "file")
                        CompareFile(wanted);
                    else
                        CompareTask(wanted);
                }
                catch (BatchException error)
                {
                    wanted.Item.Fail(error.Message);
                }
            }
            if (people.Count > 0)
            {
                List<LocalAccount> users = AccountSource.Current.Users();
                Dictionary<string, List<string>> groups = AccountSource.Current.Groups();
                people.ForEach(row => row.Compare(users, groups));
            }
            return items;
        }

        private static void CompareService(Wanted wanted, Dictionary<string, string> services)
        {
            Item item = wanted.Item;
            string known;
            wanted.FoundState = services.TryGetValue(wanted.Name, out known) ? known : ServiceState(wanted.Name);
            if (wanted.FoundState == null)
            {
                item.State = "absent";
                if (wanted.State == "running" || (wanted.Start ?? "disabled") != "disabled")
                    item.Fail("there is no such service on this Windows");
                return;
            }
            wanted.FoundStart = ServiceStart(wanted.Name);
            string start = wanted.Start ?? wanted.FoundStart;
            string state = wanted.State ?? wanted.FoundState;
            item.Before = wanted.FoundStart + ", " + wanted.FoundState;
            item.After = start + ", " + state;
            item.Changed = start != wanted.FoundStart || state != wanted.FoundState;
            item.State = state;
            Dictionary<string, object> previous = new Dictionary<string, object> { { "kind", "service" }, { "name", wanted.Name } };
            if (wanted.Start != null && !wanted.FoundStart.StartsWith("(", StringComparison.Ordinal))
                previous["start"] = wanted.FoundStart;
            if (wanted.State != null)
                previous["state"] = wanted.FoundState == "running" && wanted.FoundStart != "disabled" ? "running" : "stopped";
            item.Previous.Add(previous);
        }

        /// <summary>
        /// Services that run or are stopped, by name, in one question; whatever else there is, drivers and what just starts, is asked
        /// for one by one.
        /// </summary>
        private static Dictionary<string, string> Services()
        {
            Dictionary<string, string> states = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
            try
            {
                // an enumeration of CIM: English everywhere
                List<Dictionary<string, object>> found = CimSource.Current.Query(@"root\cimv2", "SELECT Name, State FROM Win32_Service");
                foreach (Dictionary<string, object> one in found ?? new List<Dictionary<string, object>>())
                    if ((string)one["State"] == "Running" || (string)one["State"] == "Stopped")
                        states[(string)one["Name"]] = ((string)one["State"]).ToLowerInvariant();
            }
            catch (ManagementException)
            {
                // a repository of CIM that is damaged is no reason to leave a host as it is
            }
            return states;
        }

        /// <summary>Null if there is no such service. Type and state are the first two numbers, whatever they are called.</summary>
        private static string ServiceState(string name)
        {
            Ran ran = World.Machine.Run("sc.exe", "query", name);
            if (ran.Code == ServiceUnknown)
                return null;
            if (ran.Code != 0)
                throw new BatchException(String.Format("sc query ended with {0}: {1}", ran.Code, ran.Words));
            List<string> numbers = ran.Output.Split('\r', '\n').Select(line => Number.Match(line)).Where(match => match.Success)
                .Select(match => match.Groups[1].Value).ToList();
            int state;
            if (numbers.Count < 2 || !Int32.TryParse(numbers[1], out state) || state < 1 || state >= ServiceStates.Length)
                throw new BatchException("sc query says nothing about the state of the service: " + ran.Words);
            return ServiceStates[state];
        }

        private static string ServiceStart(string name)
        {
            string key = @"SYSTEM\CurrentControlSet\Services\" + name;
            RegistryData start = World.Registry.Read("HKLM", "64", key, "Start");
            RegistryData delayed = World.Registry.Read("HKLM", "64", key, "DelayedAutostart");
            int number = start != null && start.Value is int ? (int)start.Value : -1;
            if (number == 2)
                return delayed != null && Object.Equals(delayed.Value, 1) ? "delayed" : "auto";
            return number == 3 ? "manual" : number == 4 ? "disabled" : "(start type " + number + ")";
        }

        private static Dictionary<string, string> Features()
        {
            Ran ran = World.Machine.Run("dism.exe", "/English", "/Online", "/Get-Features", "/Format:Table");
            if (ran.Code != 0)
                throw new BatchException(String.Format("the optional features could not be read: dism ended with {0}: {1}", ran.Code, ran.Words));
            Dictionary<string, string> features = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
            foreach (Match match in ran.Output.Split('\r', '\n').Select(line => Feature.Match(line)).Where(match => match.Success))
                features[match.Groups["name"].Value] = match.Groups["state"].Value;
            if (features.Count == 0)
                throw new BatchException("dism lists no optional feature: " + ran.Words);
            return features;
        }

        private static void CompareFeature(Wanted wanted, Dictionary<string, string> features)
        {
            Item item = wanted.Item;
            string found;
            if (!features.TryGetValue(wanted.Name, out found))
            {
                item.State = "absent";
                if (wanted.State == "enabled")
                    item.Fail("this edition of Windows has no such feature");
                return;
            }
            wanted.FoundState = found.StartsWith("Enable", StringComparison.Ordinal) ? "enabled" : "disabled";
            item.Before = wanted.FoundState;
            item.After = item.State = wanted.State;
            item.Changed = wanted.FoundState != wanted.State;
            if (!item.Changed && found.EndsWith("Pending", StringComparison.Ordinal))
                item.Note = "takes effect at the next restart";
            item.Previous.Add(new Dictionary<string, object> { { "kind", "feature" }, { "name", wanted.Name }, { "state", wanted.FoundState } });
        }

        /// <summary>
        /// The task as Windows keeps it, null if there is none. Read from its file: what `schtasks /query /xml` prints comes in the
        /// code page of a console, where umlauts are lost.
        /// </summary>
        private static string TaskFile(string name)
        {
            string file = World.Machine.Native(World.System32 + @"\Tasks" + name);
            return File.Exists(file) ? World.ReadText(file) : null;
        }

        private static void CompareTask(Wanted wanted)
        {
            Item item = wanted.Item;
            string found = TaskFile(wanted.Name);
            item.State = wanted.State;
            wanted.FoundState = found == null ? "absent" : TaskXml.IsEnabled(found) ? "enabled" : "disabled";
            item.Before = wanted.FoundState;
            if (wanted.State == "present")
            {
                item.Changed = found == null || !TaskXml.Same(wanted.Xml, found);
                item.After = item.Changed && found != null ? "as declared" : TaskXml.IsEnabled(wanted.Xml) ? "enabled" : "disabled";
            }
            else if (found == null && wanted.State == "enabled")
                item.Fail("there is no such task");
            else if (found == null)
                item.State = "absent"; // what is not there need not be disabled
            else
            {
                item.After = wanted.State;
                item.Changed = wanted.State != wanted.FoundState;
            }
            Dictionary<string, object> previous = new Dictionary<string, object> { { "kind", "task" }, { "name", wanted.Name } };
            bool whole = found != null && (wanted.State == "present" || wanted.State == "absent");
            previous["state"] = found == null ? "absent" : whole ? "present" : wanted.FoundState;
            if (whole)
                previous["xml"] = found;
            item.Previous.Add(previous);
        }

        /// <summary>Accounts, then services, those first without which nobody gets in: features and tasks keep nobody out.</summary>
        protected override void Return(List<Item> changed, WayBack way)
        {
            List<LocalAccount> users = people.Count > 0 ? AccountSource.Current.Users() : null;
            foreach (AccountRow row in people.Where(row => row.Item.Changed))
                row.Return(users, way);
            foreach (Wanted wanted in rows.Where(row => row.Item.Changed && row.Kind == "service")
                .OrderBy(row => Ways.Contains(row.Name, StringComparer.OrdinalIgnoreCase) ? 0 : 1))
            {
                if (wanted.Start != null && !wanted.FoundStart.StartsWith("(", StringComparison.Ordinal))
                    way.Run("sc.exe", "config", wanted.Name, "start=", ScStart(wanted.FoundStart));
                if (wanted.FoundState == "running" || wanted.State != null)
                    way.Run("sc.exe", wanted.FoundState == "running" ? "start" : "stop", wanted.Name);
            }
        }

        private static string ScStart(string start)
        {
            return start == "delayed" ? "delayed-auto" : start == "manual" ? "demand" : start;
        }

        /// <summary>A file that somebody else could have written does not count, whatever stands in it.</summary>
        private static void CompareFile(Wanted wanted)
        {
            Item item = wanted.Item;
            string found = FileText(wanted.Name);
            bool same = found == wanted.Content && (found == null || Store.IsProtected());
            item.State = wanted.State;
            item.Before = found == null ? "absent" : "present";
            item.After = wanted.State == "absent" ? "absent" : same || found == null ? "present" : "as declared";
            item.Changed = !same;
            Dictionary<string, object> previous = new Dictionary<string, object>
            {
                { "kind", "file" }, { "name", wanted.Name }, { "state", item.Before }, { "secret", wanted.Row.Truth("secret", false) },
            };
            if (found != null)
                previous["content"] = found;
            item.Previous.Add(previous);
        }

        /// <summary>Where the file is; a link that a user made there before the folder was ours is refused.</summary>
        private static string FilePath(string name)
        {
            string path = Store.Home;
            foreach (string part in name.Split('\\'))
            {
                path += "\\" + part;
                string native = World.Machine.Native(path);
                if ((Directory.Exists(native) || File.Exists(native)) && (File.GetAttributes(native) & FileAttributes.ReparsePoint) != 0)
                    throw new BatchException(String.Format("{0} is a link to somewhere else; remove it, it is not ours", path));
            }
            return World.Machine.Native(path);
        }

        private static string FileText(string name)
        {
            string file = FilePath(name);
            return File.Exists(file) ? new UTF8Encoding(false).GetString(File.ReadAllBytes(file)) : null;
        }

        // Settling

        protected override void Settle(List<Item> changed)
        {
            foreach (AccountRow row in people.Where(row => row.Item.Changed))
                Settle(row.Item, row.Settle);
            foreach (Wanted wanted in rows.Where(row => row.Item.Changed))
            {
                Wanted one = wanted;
                if (one.Kind == "service")
                    Settle(one.Item, () => SettleService(one));
                else if (one.Kind == "feature")
                    Settle(one.Item, () => SettleFeature(one));
                else if (one.Kind == "file")
                    Settle(one.Item, () => SettleFile(one));
                else
                    Settle(one.Item, () => SettleTask(one));
            }
        }

        /// <summary>An item that cannot be settled fails alone.</summary>
        private static void Settle(Item item, Action settle)
        {
            try
            {
                settle();
            }
            catch (Exception error)
            {
                string reason = Explain(error);
                if (reason == null)
                    throw;
                item.Fail(reason);
            }
        }

        private static void Do(string program, int[] alsoGood, params string[] arguments)
        {
            Ran ran = World.Machine.Run(program, arguments);
            if (ran.Code != 0 && !alsoGood.Contains(ran.Code))
                throw new BatchException(String.Format("{0} {1} ended with {2}: {3}", program.Replace(".exe", ""), arguments[0], ran.Code, ran.Words));
        }

        private static void SettleService(Wanted wanted)
        {
            string start = wanted.Start ?? wanted.FoundStart;
            if (start != wanted.FoundStart)
                Do("sc.exe", new int[0], "config", wanted.Name, "start=", ScStart(start));
            if (wanted.State != null && wanted.State != ServiceState(wanted.Name))
            {
                bool run = wanted.State == "running";
                Do("sc.exe", new int[] { run ? AlreadyRuns : RunsNot }, run ? "start" : "stop", wanted.Name);
                for (int attempt = 0; attempt < 120 && ServiceState(wanted.Name) != wanted.State; attempt++)
                    Thread.Sleep(250);
            }
            string reachedStart = ServiceStart(wanted.Name);
            string reachedState = ServiceState(wanted.Name);
            if (reachedStart != start || (wanted.State != null && reachedState != wanted.State))
                throw new BatchException(String.Format("Windows did not take it, the service is {0}, {1}", reachedStart, reachedState));
        }

        private void SettleFeature(Wanted wanted)
        {
            Ran ran = wanted.State == "enabled"
                ? World.Machine.Run("dism.exe", "/English", "/Online", "/NoRestart", "/Enable-Feature", "/FeatureName:" + wanted.Name, "/All")
                : World.Machine.Run("dism.exe", "/English", "/Online", "/NoRestart", "/Disable-Feature", "/FeatureName:" + wanted.Name);
            if (ran.Code == RebootNeeded)
            {
                RebootRequired = true;
                wanted.Item.Note = "takes effect at the next restart";
            }
            else if (ran.Code != 0)
                throw new BatchException(String.Format("dism ended with {0}: {1}", ran.Code, ran.Words));
        }

        private static void SettleFile(Wanted wanted)
        {
            Store.Protect();
            string file = FilePath(wanted.Name); // once more, now that nobody else can change it
            if (wanted.State == "absent")
            {
                File.Delete(file);
                return;
            }
            Directory.CreateDirectory(Path.GetDirectoryName(file));
            File.WriteAllBytes(file + ".new", new UTF8Encoding(false).GetBytes(wanted.Content));
            if (File.Exists(file))
                File.Delete(file);
            File.Move(file + ".new", file);
        }

        private static void SettleTask(Wanted wanted)
        {
            if (wanted.State == "absent")
                Do("schtasks.exe", new int[0], "/Delete", "/TN", wanted.Name, "/F");
            else if (wanted.State != "present")
                Do("schtasks.exe", new int[0], "/Change", "/TN", wanted.Name, wanted.State == "enabled" ? "/ENABLE" : "/DISABLE");
            else
                using (WorkFolder work = new WorkFolder())
                {
                    string file = work.File("task.xml");
                    File.WriteAllText(file, TaskXml.ForFile(wanted.Xml), Encoding.Unicode);
                    Do("schtasks.exe", new int[0], "/Create", "/TN", wanted.Name, "/XML", file, "/F");
                }
            string found = TaskFile(wanted.Name);
            bool reached = wanted.State == "absent" ? found == null : found != null && (wanted.State == "present"
                ? TaskXml.Same(wanted.Xml, found) : TaskXml.IsEnabled(found) == (wanted.State == "enabled"));
            if (!reached)
                throw new BatchException("Windows did not take it, or registered something else than declared");
        }
    }

    /// <summary>Definitions of scheduled tasks, compared by what they mean. Source: MS-TSCH 2.5, the schema and its defaults.</summary>
    public static class TaskXml
    {
        private static readonly Dictionary<string, string> Defaults = new Dictionary<string, string>
        {
            { "AllowStartOnDemand", "true" }, { "MultipleInstancesPolicy", "IgnoreNew" }, { "DisallowStartIfOnBatteries", "true" },
            { "StopIfGoingOnBatteries", "true" }, { "AllowHardTerminate", "true" }, { "StartWhenAvailable", "false" },
            { "RunOnlyIfNetworkAvailable", "false" }, { "WakeToRun", "false" }, { "Enabled", "true" }, { "Hidden", "false" },
            { "ExecutionTimeLimit", "PT72H" }, { "Priority", "7" }, { "RunOnlyIfIdle", "false" }, { "StopOnIdleEnd", "true" },
            { "RestartOnIdle", "false" }, { "DisallowStartOnRemoteAppSession", "false" }, { "StopAtDurationEnd", "false" },
            { "RunLevel", "LeastPrivilege" },
        };

        public static XmlElement Read(string text, Func<string, Exception> complain)
        {
            XmlDocument document = new XmlDocument { XmlResolver = null };
            XmlReaderSettings settings = new XmlReaderSettings { DtdProcessing = DtdProcessing.Prohibit, XmlResolver = null };
            try
            {
                using (StringReader source = new StringReader(text.TrimStart('\uFEFF', ' ', '\r', '\n', '\t')))
                using (XmlReader reader = XmlReader.Create(source, settings))
                    document.Load(reader);
            }
            catch (XmlException error)
            {
                throw complain(String.Format("no XML, line {0}, column {1}", error.LineNumber, error.LinePosition));
            }
            XmlElement task = document.DocumentElement;
            if (task.LocalName != "Task" || Child(task, "Actions") == null)
                throw complain("no definition of a task with its actions");
            return task;
        }

        private static XmlElement Found(string text)
        {
            return Read(text, reason => new BatchException("what Windows keeps of the task is unreadable: " + reason));
        }

        public static bool IsEnabled(string text)
        {
            XmlElement settings = Child(Found(text), "Settings");
            XmlElement enabled = settings == null ? null : Child(settings, "Enabled");
            return enabled == null || Plain(enabled) != "false";
        }

        /// <summary>The text with the declaration that fits a file of UTF-16.</summary>
        public static string ForFile(string text)
        {
            return "<?xml version=\"1.0\" encoding=\"UTF-16\"?>\r\n" + Found(text).OuterXml;
        }

        public static bool Same(string wanted, string found)
        {
            XmlElement one = Found(wanted);
            XmlElement other = Found(found);
            // who registered it and when says nothing about what it does
            return new string[] { "Triggers", "Principals", "Settings", "Actions" }
                .All(part => Same(Child(one, part), Child(other, part), part == "Settings"));
        }

        private static bool Same(XmlElement wanted, XmlElement found, bool windowsMayAdd)
        {
            if (wanted == null || found == null)
                return IsDefault(wanted ?? found, wanted == null && windowsMayAdd);
            List<XmlElement> ours = Children(wanted);
            List<XmlElement> theirs = Children(found);
            if (ours.Count == 0 && theirs.Count == 0)
                return SameText(wanted, found);
            if (wanted.LocalName == "Triggers" || wanted.LocalName == "Actions")
                return ours.Count == theirs.Count && ours.Zip(theirs, (one, other) =>
                    one.LocalName == other.LocalName && Same(one, other, false)).All(same => same);
            return ours.Concat(theirs).Select(child => child.LocalName).Distinct()
                .All(name => Same(Child(wanted, name), Child(found, name), windowsMayAdd));
        }

        private static bool IsDefault(XmlElement only, bool added)
        {
            if (only == null || only.LocalName == "LogonType") // Windows leaves out how a service account logs on
                return true;
            string standard;
            if (Defaults.TryGetValue(only.LocalName, out standard))
                return SameText(only.LocalName, Plain(only), standard);
            List<XmlElement> children = Children(only);
            return added || (children.Count > 0 && children.All(child => IsDefault(child, false)));
        }

        private static bool SameText(XmlElement wanted, XmlElement found)
        {
            return SameText(wanted.LocalName, Plain(wanted), Plain(found));
        }

        private static bool SameText(string name, string wanted, string found)
        {
            if (wanted == found)
                return true;
            if (name == "UserId" || name == "GroupId")
                return Sid(wanted) == Sid(found);
            TimeSpan one, other;
            return Duration(wanted, out one) && Duration(found, out other) && one == other;
        }

        private static string Sid(string account)
        {
            return account.StartsWith("S-1-", StringComparison.OrdinalIgnoreCase) ? account.ToUpperInvariant()
                : World.Machine.SidOf(account) ?? account;
        }

        private static bool Duration(string text, out TimeSpan duration)
        {
            duration = TimeSpan.Zero;
            try
            {
                if (!text.StartsWith("P", StringComparison.Ordinal))
                    return false;
                duration = XmlConvert.ToTimeSpan(text);
                return true;
            }
            catch (FormatException)
            {
                return false;
            }
        }

        private static string Plain(XmlElement element)
        {
            return element.InnerText.Trim();
        }

        private static XmlElement Child(XmlElement parent, string name)
        {
            return Children(parent).FirstOrDefault(child => child.LocalName == name);
        }

        private static List<XmlElement> Children(XmlElement parent)
        {
            return parent.ChildNodes.OfType<XmlElement>().ToList();
        }
    }
}
