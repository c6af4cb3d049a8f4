// Copyright: Praxisschild contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

using System;
using System.Collections;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Security;
using System.Text;
using Ansible.Basic;
using Ansible.Praxisschild.Windows;

namespace Ansible.Praxisschild.Guard
{
    /// <summary>The folder of Praxisschild on a host: <c>%ProgramData%\Praxisschild</c>, for SYSTEM and Administrators only.</summary>
    public static class Store
    {
        private static readonly string[] Entries = new string[] { "A;OICI;FA;;;BA", "A;OICI;FA;;;SY" };

        public static string Home { get { return World.ProgramData + @"\Praxisschild"; } }

        /// <summary>
        /// Leave the folder to SYSTEM and Administrators. Users may create folders below ProgramData: one that is there already
        /// may be a user's own, with rights of its own, and is taken over before anything is read from it or written to it.
        /// </summary>
        public static void Protect()
        {
            string native = World.Machine.Native(Home);
            bool existed = Directory.Exists(native);
            Directory.CreateDirectory(native);
            if ((File.GetAttributes(native) & FileAttributes.ReparsePoint) != 0)
                throw new BatchException(String.Format("{0} is a link to somewhere else; remove it, it is not ours", Home));
            if (existed && IsProtected())
                return;
            Icacls("/setowner", "*S-1-5-32-544", "/T", "/C", "/L", "/Q");
            if (existed)
                Icacls("/reset", "/T", "/C", "/L", "/Q");
            Icacls("/inheritance:r", "/grant:r", "*S-1-5-18:(OI)(CI)F", "*S-1-5-32-544:(OI)(CI)F", "/Q");
        }

        /// <summary>icacls saves a folder's name and then, on a line of its own, its access list in SDDL.</summary>
        public static bool IsProtected()
        {
            string file = Path.GetTempFileName();
            try
            {
                Icacls("/save", file, "/Q");
                string[] lines = World.ReadText(file).Split(new char[] { '\r', '\n' }, StringSplitOptions.RemoveEmptyEntries);
                string sddl = lines.Length == 2 ? lines[1].Trim() : "";
                string[] entries = sddl.Split('(', ')').Skip(1).Where(entry => entry != "").OrderBy(entry => entry, StringComparer.Ordinal).ToArray();
                return sddl.StartsWith("D:P", StringComparison.Ordinal) && entries.SequenceEqual(Entries);
            }
            finally
            {
                File.Delete(file);
            }
        }

        private static void Icacls(params string[] arguments)
        {
            Ran ran = World.Machine.Run("icacls.exe", new string[] { Home }.Concat(arguments).ToArray());
            if (ran.Code != 0)
                throw new BatchException(String.Format("{0} could not be protected, so nothing was changed: icacls ended with {1}: {2}",
                    Home, ran.Code, ran.Words));
        }
    }

    /// <summary>
    /// How a host gets back by itself what a call is about to replace: with programs of Windows alone, which work when nobody can
    /// log on from outside any more.
    /// </summary>
    public class WayBack
    {
        private const int MostPrograms = 24; // a task has at most 32 actions
        private readonly StringBuilder registry = new StringBuilder();
        private readonly List<string[]> programs = new List<string[]>();

        /// <summary>A security template, or null.</summary>
        public string Template;

        public bool Nothing { get { return registry.Length == 0 && programs.Count == 0 && Template == null; } }

        public string RegistryFile { get { return RegistryText.Head + registry; } }

        public bool HasRegistry { get { return registry.Length > 0; } }

        public IEnumerable<string[]> Programs { get { return programs.Take(MostPrograms); } }

        /// <summary>Put back a value of HKLM as a row of win_registry_values describes it; rows of people's hives are left out.</summary>
        public void Registry(IDictionary<string, object> row)
        {
            registry.Append(RegistryText.Of(row));
        }

        /// <summary>Run a program of System32; those that come first count most.</summary>
        public void Run(string program, params string[] arguments)
        {
            programs.Add(new string[] { program }.Concat(arguments).ToArray());
        }
    }

    /// <summary>Text that <c>reg import</c> reads.</summary>
    public static class RegistryText
    {
        public const string Head = "Windows Registry Editor Version 5.00\r\n";

        /// <summary>Empty for what is not in HKLM.</summary>
        public static string Of(IDictionary<string, object> row)
        {
            string key = (string)row["key"];
            if (!key.StartsWith("HKLM\\", StringComparison.OrdinalIgnoreCase))
                return "";
            key = key.Substring(5);
            object view;
            if (row.TryGetValue("view", out view) && (string)view == "32" && key.StartsWith("SOFTWARE\\", StringComparison.OrdinalIgnoreCase))
                key = @"SOFTWARE\WOW6432Node\" + key.Substring(9);
            string head = "\r\n[HKEY_LOCAL_MACHINE\\" + key + "]\r\n";
            object name;
            if (!row.TryGetValue("name", out name))
                return head;
            string left = (string)name == "" ? "@" : Quoted((string)name);
            return head + left + "=" + ((string)row["state"] == "absent" ? "-" : Data((string)row["type"], row["value"])) + "\r\n";
        }

        private static string Data(string type, object value)
        {
            switch (type)
            {
                case "dword":
                    return "dword:" + Convert.ToUInt32(value, CultureInfo.InvariantCulture).ToString("x8", CultureInfo.InvariantCulture);
                case "qword":
                    return Hex("(b)", BitConverter.GetBytes(Convert.ToUInt64(value, CultureInfo.InvariantCulture)));
                case "string":
                    return Hex("(1)", Encoding.Unicode.GetBytes((string)value + "\0"));
                case "expand_string":
                    return Hex("(2)", Encoding.Unicode.GetBytes((string)value + "\0"));
                case "multi_string":
                    return Hex("(7)", Encoding.Unicode.GetBytes(String.Concat(((IEnumerable)value).Cast<object>().Select(one => one + "\0")) + "\0"));
                default:
                    string digits = (string)value;
                    return Hex(type == "none" ? "(0)" : "", Enumerable.Range(0, digits.Length / 2)
                        .Select(i => Convert.ToByte(digits.Substring(2 * i, 2), 16)).ToArray());
            }
        }

        private static string Hex(string kind, byte[] bytes)
        {
            return "hex" + kind + ":" + String.Join(",", bytes.Select(one => one.ToString("x2", CultureInfo.InvariantCulture)));
        }

        private static string Quoted(string text)
        {
            return "\"" + text.Replace("\\", "\\\\").Replace("\"", "\\\"") + "\"";
        }
    }

    /// <summary>
    /// The dead man's switch: a task of the host that goes the way back unless somebody who has come in anew calls it off.
    /// </summary>
    public static class DeadMan
    {
        public const string Task = @"\Praxisschild\Rueckweg";
        private const string Namespace = "http://schemas.microsoft.com/windows/2004/02/mit/task";
        private const string Key = @"SOFTWARE\Praxisschild";
        private const string Reverted = "ZurueckgesetzterLauf";

        private static string Folder { get { return Store.Home + @"\guard"; } }

        private static string TaskFile { get { return World.Machine.Native(World.System32 + @"\Tasks" + Task); } }

        /// <summary>Nothing may have been changed yet: what cannot be armed is not applied.</summary>
        public static void Arm(WayBack way, string run, int seconds)
        {
            if (File.Exists(TaskFile))
                throw new BatchException(
                    "an earlier change waits for its confirmation, and the host will put it back by itself: run again in a few minutes");
            Store.Protect();
            Directory.CreateDirectory(World.Machine.Native(Folder));
            List<string[]> actions = new List<string[]>();
            if (way.HasRegistry)
                actions.Add(new string[] { "reg.exe", "import", Write("registry.reg", way.RegistryFile) });
            if (way.Template != null)
                actions.Add(new string[] { "secedit.exe", "/configure", "/db", Folder + @"\guard.sdb", "/cfg", Write("security.inf", way.Template),
                    "/areas", "SECURITYPOLICY", "USER_RIGHTS", "/quiet" });
            actions.AddRange(way.Programs);
            string told = RegistryText.Head + RegistryText.Of(new Dictionary<string, object>
            {
                { "key", @"HKLM\" + Key }, { "name", Reverted }, { "state", "present" }, { "type", "string" }, { "value", run },
            });
            actions.Add(new string[] { "reg.exe", "import", Write("reverted.reg", told) });
            actions.Add(new string[] { "schtasks.exe", "/Delete", "/TN", Task, "/F" });
            string definition = Folder + @"\task.xml";
            File.WriteAllText(World.Machine.Native(definition), Definition(run, seconds, actions), Encoding.Unicode);
            Ran ran = World.Machine.Run("schtasks.exe", "/Create", "/TN", Task, "/XML", World.Machine.Native(definition), "/F");
            if (ran.Code != 0 || !File.Exists(TaskFile))
                throw new BatchException(String.Format(
                    "the way back could not be prepared, so nothing was changed: schtasks ended with {0}: {1}", ran.Code, ran.Words));
        }

        private static string Write(string name, string text)
        {
            File.WriteAllText(World.Machine.Native(Folder + "\\" + name), text, Encoding.Unicode);
            return Folder + "\\" + name;
        }

        /// <summary>At the given time, or at the next start if there is one before; on batteries, too.</summary>
        private static string Definition(string run, int seconds, List<string[]> actions)
        {
            string due = DateTime.UtcNow.AddSeconds(seconds).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
            StringBuilder xml = new StringBuilder();
            xml.Append("<?xml version=\"1.0\" encoding=\"UTF-16\"?>\r\n<Task version=\"1.2\" xmlns=\"" + Namespace + "\">");
            xml.Append("<RegistrationInfo><Description>Praxisschild ").Append(run).Append("</Description></RegistrationInfo>");
            xml.Append("<Triggers><TimeTrigger><StartBoundary>").Append(due).Append("</StartBoundary></TimeTrigger><BootTrigger/></Triggers>");
            xml.Append("<Principals><Principal id=\"Author\"><UserId>S-1-5-18</UserId><RunLevel>HighestAvailable</RunLevel></Principal></Principals>");
            xml.Append("<Settings><DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries><StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>");
            xml.Append("<StartWhenAvailable>true</StartWhenAvailable><ExecutionTimeLimit>PT30M</ExecutionTimeLimit><Priority>4</Priority></Settings>");
            xml.Append("<Actions Context=\"Author\">");
            foreach (string[] action in actions)
            {
                xml.Append("<Exec><Command>").Append(SecurityElement.Escape(World.SystemRoot + @"\System32\" + action[0])).Append("</Command><Arguments>");
                xml.Append(SecurityElement.Escape(WindowsMachine.CommandLine(action.Skip(1).ToArray()))).Append("</Arguments></Exec>");
            }
            return xml.Append("</Actions></Task>").ToString();
        }

        public static Hashtable Spec()
        {
            return new Hashtable
            {
                { "options", new Hashtable
                    {
                        { "run", new Hashtable { { "type", "str" }, { "required", true } } },
                        { "phase", new Hashtable { { "type", "str" }, { "choices", new List<object> { "confirm", "status" } }, { "default", "confirm" } } },
                    }
                },
                { "supports_check_mode", true },
            };
        }

        public static void Run(AnsibleModule module)
        {
            string run = (string)module.Params["run"];
            try
            {
                module.Result["outcome"] = Outcome(run, (string)module.Params["phase"] == "confirm" && !module.CheckMode);
            }
            catch (BatchException error)
            {
                module.FailJson(error.Message);
            }
            module.ExitJson();
        }

        private static string Outcome(string run, bool confirm)
        {
            if (File.Exists(TaskFile))
            {
                if (World.ReadText(TaskFile).IndexOf("Praxisschild " + run + "<", StringComparison.Ordinal) < 0)
                    return "other";
                if (!confirm)
                    return "armed";
                Ran ran = World.Machine.Run("schtasks.exe", "/Delete", "/TN", Task, "/F");
                if (ran.Code != 0 && File.Exists(TaskFile))
                    throw new BatchException(String.Format("the way back could not be called off: schtasks ended with {0}: {1}", ran.Code, ran.Words));
                if (!WasReverted(run)) // it may have begun in this very moment
                {
                    Directory.Delete(World.Machine.Native(Folder), true);
                    return "confirmed";
                }
            }
            return WasReverted(run) ? "reverted" : "nothing";
        }

        private static bool WasReverted(string run)
        {
            RegistryData data = World.Registry.Read("HKLM", "64", Key, Reverted);
            return data != null && run.Equals(data.Value);
        }
    }
}
