// Machine and registry of a stand-in host, for the modules that ask Ansible.Praxisschild.Windows for them. What mono's registry
// cannot do is added here: views, value names without regard to case, types and characters that its files lose.
using Microsoft.Win32;
using System;
using System.Collections;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Text;
using System.Xml;
using Ansible.Basic;
using Ansible.Praxisschild.Windows;

public static class StandIn
{
    public static string Host;

    public static void Install()
    {
        Host = Environment.GetEnvironmentVariable("PRAXISSCHILD_WINDOWS_STATE");
        if (String.IsNullOrEmpty(Host))
            throw new InvalidOperationException("PRAXISSCHILD_WINDOWS_STATE names no stand-in host");
        // the modules see the names that a Windows has
        Environment.SetEnvironmentVariable("SystemRoot", @"C:\WINDOWS");
        Environment.SetEnvironmentVariable("SystemDrive", "C:");
        Environment.SetEnvironmentVariable("ProgramData", @"C:\ProgramData");
        World.Machine = new StandInMachine();
        World.Registry = new StandInRegistry();
        // sources of what only some programs ask for are there only with them
        foreach (string name in new string[] { "StandInAccounts", "StandInCim", "StandInUpkeep" })
        {
            Type more = typeof(StandIn).Assembly.GetType(name);
            if (more != null)
                more.GetMethod("Install").Invoke(null, null);
        }
    }

    public static IDictionary<string, object> State()
    {
        return AnsibleModule.FromJson<Dictionary<string, object>>(File.ReadAllText(Path.Combine(Host, "state.json")));
    }

    public static IDictionary<string, object> Section(string name)
    {
        return (IDictionary<string, object>)State()[name];
    }
}

public class StandInMachine : WindowsMachine
{
    private const string Tasks = @"C:\WINDOWS\System32\Tasks\";
    private const string TaskNamespace = "http://schemas.microsoft.com/windows/2004/02/mit/task";

    public override string Native(string path)
    {
        if (path.StartsWith(Tasks, StringComparison.OrdinalIgnoreCase))
            return Task(path.Substring(Tasks.Length - 1));
        if (path.StartsWith(@"C:\WINDOWS\System32\", StringComparison.OrdinalIgnoreCase) && path.EndsWith(".exe", StringComparison.Ordinal))
            return Path.Combine(StandIn.Host, "System32", path.Substring(path.LastIndexOf('\\') + 1));
        if (path.StartsWith(@"C:\", StringComparison.OrdinalIgnoreCase))
            return Path.Combine(StandIn.Host, "drives", "c", path.Substring(3).Replace('\\', '/'));
        return path.StartsWith(@"\\", StringComparison.Ordinal) ? Path.Combine(StandIn.Host, "drives", "network", path.Substring(2).Replace('\\', '/')) : path;
    }

    /// <summary>The file of a task, written out from the state, which is what counts here.</summary>
    private static string Task(string name)
    {
        string file = Path.Combine(StandIn.Host, "tmp", "task-" + Guid.NewGuid().ToString("N") + ".xml");
        foreach (KeyValuePair<string, object> task in StandIn.Section("tasks"))
        {
            if (!String.Equals(task.Key, name, StringComparison.OrdinalIgnoreCase))
                continue;
            IDictionary<string, object> known = (IDictionary<string, object>)task.Value;
            string text = (string)known["xml"];
            if (text == "")
                text = "<Task xmlns=\"" + TaskNamespace + "\"><Settings/><Actions/></Task>";
            XmlDocument document = new XmlDocument();
            document.LoadXml(text);
            SetEnabled(document, (bool)known["enabled"]);
            File.WriteAllText(file, document.OuterXml, Encoding.Unicode);
        }
        return file;
    }

    private static void SetEnabled(XmlDocument document, bool enabled)
    {
        XmlNamespaceManager names = new XmlNamespaceManager(document.NameTable);
        names.AddNamespace("t", TaskNamespace);
        XmlNode settings = document.SelectSingleNode("/t:Task/t:Settings", names)
            ?? document.DocumentElement.AppendChild(document.CreateElement("Settings", TaskNamespace));
        XmlNode node = settings.SelectSingleNode("t:Enabled", names) ?? settings.AppendChild(document.CreateElement("Enabled", TaskNamespace));
        node.InnerText = enabled ? "true" : "false";
    }

    public override Ran Run(string program, params string[] arguments)
    {
        string file = Native(World.System32 + "\\" + program);
        if (!File.Exists(file))
            throw new BatchException("NICHT NACHGEBILDET: das Programm " + program);
        // mono splits the line as a Unix shell would
        string line = String.Join(" ", arguments.Select(one => "'" + one.Replace("'", "'\\''") + "'"));
        string code = Path.Combine(StandIn.Host, "tmp", "exit-" + Guid.NewGuid().ToString("N"));
        ProcessStartInfo start = new ProcessStartInfo(file, line);
        start.EnvironmentVariables["PRAXISSCHILD_EXIT_FILE"] = code; // codes of Windows have more than eight bits
        Ran ran = Start(program, start);
        if (File.Exists(code))
        {
            ran.Code = Int32.Parse(File.ReadAllText(code));
            File.Delete(code);
        }
        if (ran.Output.Contains("NICHT NACHGEBILDET:"))
            throw new InvalidOperationException(ran.Words);
        return ran;
    }

    public override string SidOf(string account)
    {
        string name = account.Substring(account.LastIndexOf('\\') + 1);
        foreach (string section in new string[] { "users", "groups" })
            foreach (KeyValuePair<string, object> one in StandIn.Section(section))
                if (String.Equals(one.Key, name, StringComparison.OrdinalIgnoreCase))
                    return (string)((IDictionary<string, object>)one.Value)["sid"];
        Dictionary<string, string> known = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase)
        {
            { "SYSTEM", "S-1-5-18" }, { "Jeder", "S-1-1-0" }, { "LOKALER DIENST", "S-1-5-19" }, { "NETZWERKDIENST", "S-1-5-20" },
        };
        return known.ContainsKey(name) ? known[name] : null;
    }

    public override ISet<string> OwnSids()
    {
        string own = StandIn.Section("users").Values.Cast<IDictionary<string, object>>().Select(user => (string)user["sid"])
            .First(sid => sid.EndsWith("-1001", StringComparison.Ordinal)); // the account that the lab logs in with
        HashSet<string> sids = new HashSet<string> { own, "S-1-1-0", "S-1-5-2", "S-1-5-11", "S-1-5-15", "S-1-5-113", "S-1-5-64-10" };
        foreach (IDictionary<string, object> group in StandIn.Section("groups").Values)
            if (((IEnumerable)group["members"]).Cast<string>().Any(sids.Contains))
                sids.Add((string)group["sid"]);
        if (sids.Contains("S-1-5-32-544"))
            sids.Add("S-1-5-114");
        return sids;
    }

    public override string[] TaskNames()
    {
        return StandIn.Section("tasks").Keys.ToArray();
    }
}

public class StandInRegistry : WindowsRegistry
{
    private const string Services = @"SYSTEM\CurrentControlSet\Services\";
    private const string Kept = "\uE000"; // for private use; registry.py knows it too
    private static readonly string[] Starts = new string[] { "boot", "system", "auto", "manual", "disabled" };

    // keys below SOFTWARE that both views share (Microsoft: Registry Keys Affected by WOW64)
    private static readonly string[] Shared = new string[]
    {
        @"SOFTWARE\Policies", @"SOFTWARE\Microsoft\Windows\CurrentVersion\Policies", @"SOFTWARE\Microsoft\Windows\CurrentVersion\Group Policy",
        @"SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList", @"SOFTWARE\Microsoft\SystemCertificates",
    };

    /// <summary>Where a 32-bit program finds the key.</summary>
    private static string Seen(string hive, string view, string key)
    {
        if (view != "32" || hive != "HKLM" || !(key + "\\").StartsWith(@"SOFTWARE\", StringComparison.OrdinalIgnoreCase))
            return key;
        if (Shared.Any(shared => (key + "\\").StartsWith(shared + "\\", StringComparison.OrdinalIgnoreCase)))
            return key;
        return @"SOFTWARE\WOW6432Node" + key.Substring("SOFTWARE".Length);
    }

    private string Stored(string hive, string view, string key, string name)
    {
        return base.ValueNames(hive, view, Seen(hive, view, key)).FirstOrDefault(one => String.Equals(one, name, StringComparison.OrdinalIgnoreCase)) ?? name;
    }

    /// <summary>Keys that an antivirus product or the system keeps to itself.</summary>
    private static void RefuseProtected(string hive, string key)
    {
        if (hive == "HKLM" && (key + "\\").StartsWith(@"SOFTWARE\Microsoft\Windows Defender\", StringComparison.OrdinalIgnoreCase)
            && (bool)StandIn.Section("defender")["tamper_protected"])
            throw new UnauthorizedAccessException("Der Zugriff auf den Registrierungsschlüssel wurde verweigert.");
        if (hive == "HKLM" && key.StartsWith(Services, StringComparison.OrdinalIgnoreCase)
            && StandIn.Section("services").Keys.Any(one => String.Equals(Services + one, key, StringComparison.OrdinalIgnoreCase)))
            throw new InvalidOperationException("NICHT NACHGEBILDET: Dienste über die Registrierung ändern");
        if (hive == "HKLM" && (key + "\\").StartsWith(StandInFirewall.Store + "\\", StringComparison.OrdinalIgnoreCase))
            throw new InvalidOperationException("NICHT NACHGEBILDET: die Firewall an ihrer Richtlinie vorbei ändern");
    }

    public override bool KeyExists(string hive, string view, string key)
    {
        return base.KeyExists(hive, view, Seen(hive, view, key));
    }

    public override RegistryData Read(string hive, string view, string key, string name)
    {
        if (hive == "HKLM" && key.StartsWith(Services, StringComparison.OrdinalIgnoreCase) && (name == "Start" || name == "DelayedAutostart"))
            return Service(key.Substring(Services.Length), name) ?? base.Read(hive, view, key, name);
        RegistryData local = StandInFirewall.Read(hive, key, name);
        if (local != null)
            return local;
        RegistryData found = base.Read(hive, view, Seen(hive, view, key), Stored(hive, view, key, name));
        string text = found == null ? null : found.Value as string;
        if (text == null || !text.StartsWith(Kept, StringComparison.Ordinal))
            return found;
        string[] parts = text.Substring(1).Split(':');
        RegistryValueKind kind = (RegistryValueKind)Enum.Parse(typeof(RegistryValueKind), parts[0]);
        byte[] bytes = Convert.FromBase64String(parts[1]);
        if (kind == RegistryValueKind.None || kind == RegistryValueKind.Binary || kind == RegistryValueKind.Unknown)
            return new RegistryData(kind, bytes);
        string kept = Encoding.Unicode.GetString(bytes);
        return new RegistryData(kind, kind != RegistryValueKind.MultiString ? kept : (object)(kept == "" ? new string[0] : kept.Split('\0')));
    }

    private static RegistryData Service(string service, string name)
    {
        foreach (KeyValuePair<string, object> one in StandIn.Section("services"))
        {
            if (!String.Equals(one.Key, service, StringComparison.OrdinalIgnoreCase))
                continue;
            string start = (string)((IDictionary<string, object>)one.Value)["start"];
            bool delayed = start == "delayed";
            if (name == "DelayedAutostart")
                return delayed ? new RegistryData(RegistryValueKind.DWord, 1) : null;
            return new RegistryData(RegistryValueKind.DWord, delayed ? 2 : Array.IndexOf(Starts, start));
        }
        return null;
    }

    public override void Write(string hive, string view, string key, string name, RegistryData data)
    {
        RefuseProtected(hive, key);
        base.Write(hive, view, Seen(hive, view, key), Stored(hive, view, key, name), Kind(data));
    }

    /// <summary>The same, unless mono's files would lose it: then a text that says what it was.</summary>
    private static RegistryData Kind(RegistryData data)
    {
        byte[] bytes = data.Value as byte[];
        string[] texts = data.Value as string[];
        string text = data.Value as string ?? (texts == null ? null : String.Join("\0", texts));
        bool empty = texts == null ? text == "" && data.Kind == RegistryValueKind.ExpandString : texts.Length == 0;
        if (bytes == null && text != null && (text.Any(IsLost) || empty))
            bytes = Encoding.Unicode.GetBytes(text);
        else if (data.Kind != RegistryValueKind.None && (bytes == null || bytes.Length > 0))
            return data;
        return new RegistryData(RegistryValueKind.String, Kept + data.Kind + ":" + Convert.ToBase64String(bytes));
    }

    private static bool IsLost(char one)
    {
        return (one < ' ' && one != '\n' && one != '\t') || one > '\uD7FF';
    }

    public override void CreateKey(string hive, string view, string key)
    {
        RefuseProtected(hive, key);
        base.CreateKey(hive, view, Seen(hive, view, key));
    }

    public override void DeleteValue(string hive, string view, string key, string name)
    {
        RefuseProtected(hive, key);
        base.DeleteValue(hive, view, Seen(hive, view, key), Stored(hive, view, key, name));
    }

    public override void DeleteTree(string hive, string view, string key)
    {
        RefuseProtected(hive, key);
        base.DeleteTree(hive, view, Seen(hive, view, key));
    }

    public override string[] SubKeys(string hive, string view, string key)
    {
        return base.SubKeys(hive, view, Seen(hive, view, key)).Union(StandInFirewall.SubKeys(hive, key)).ToArray();
    }

    public override string[] ValueNames(string hive, string view, string key)
    {
        return base.ValueNames(hive, view, Seen(hive, view, key)).Union(StandInFirewall.ValueNames(hive, key)).ToArray();
    }
}
