// What CIM says on a stand-in host: exactly the classes that the snapshot asks for, from state.json, with the values of a German
// Windows. A class or a property that is not here is an error, not an empty answer.
using System;
using System.Collections;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text.RegularExpressions;
using Ansible.Basic;
using Ansible.Praxisschild.Cim;
using Ansible.Praxisschild.Windows;
using Row = System.Collections.Generic.Dictionary<string, object>;

public class StandInCim : ICim
{
    private const int German = 1031;
    private static readonly Regex Select = new Regex(@"^SELECT (?<properties>\w+(, \w+)*) FROM (?<class>\w+)( WHERE (?<condition>.+))?$");
    private static readonly string[] Roles = new string[] { "workstation", "member_workstation", "server", "member_server" };

    private delegate IEnumerable<Row> Answer();

    public static void Install()
    {
        CimSource.Current = new StandInCim();
    }

    public List<Row> Query(string scope, string wql)
    {
        Match asked = Select.Match(wql);
        Answer answer;
        string name = (scope + ":" + asked.Groups["class"].Value + " " + asked.Groups["condition"].Value).Trim().ToLowerInvariant();
        if (!asked.Success || !Classes().TryGetValue(name, out answer))
            throw new InvalidOperationException("NICHT NACHGEBILDET: CIM " + scope + ": " + wql);
        IEnumerable<Row> rows = answer();
        if (rows == null)
            return null;
        string[] wanted = asked.Groups["properties"].Value.Split(new string[] { ", " }, StringSplitOptions.None);
        return rows.Select(row => wanted.ToDictionary(property => property, property =>
        {
            if (!row.ContainsKey(property))
                throw new InvalidOperationException("NICHT NACHGEBILDET: CIM " + asked.Groups["class"].Value + "." + property);
            return row[property];
        })).ToList();
    }

    private static Dictionary<string, Answer> Classes()
    {
        return new Dictionary<string, Answer>
        {
            { @"root\cimv2:win32_computersystem", ComputerSystem },
            { @"root\cimv2:win32_operatingsystem", OperatingSystem },
            { @"root\cimv2:win32_service", Services },
            { @"root\cimv2:win32_optionalfeature", Features },
            { @"root\cimv2:win32_networkadapterconfiguration ipenabled = true", Network },
            { @"root\cimv2\security\microsofttpm:win32_tpm", Tpm },
            { @"root\cimv2\security\microsoftvolumeencryption:win32_encryptablevolume", Volumes },
            { @"root\microsoft\windows\defender:msft_mpcomputerstatus", Defender },
            { @"root\microsoft\windows\defender:msft_mppreference", Preferences },
            { @"root\microsoft\windows\smb:msft_smbshare", Shares },
            { @"root\securitycenter2:antivirusproduct", Products },
        };
    }

    private static int Role { get { return Array.IndexOf(Roles, (string)StandIn.Section("computer")["role"]); } }

    private static IEnumerable<KeyValuePair<string, Row>> Entries(string section)
    {
        return StandIn.Section(section).Select(one => new KeyValuePair<string, Row>(one.Key, (Row)one.Value));
    }

    private static IEnumerable<Row> ComputerSystem()
    {
        string domain = (string)StandIn.Section("domain")["name"];
        yield return new Row
        {
            { "Name", StandIn.Section("computer")["name"] }, { "Domain", domain == "" ? "WORKGROUP" : domain },
            { "PartOfDomain", domain != "" }, { "DomainRole", (ushort)Role },
        };
    }

    private static IEnumerable<Row> OperatingSystem()
    {
        yield return new Row { { "ProductType", (uint)(Role < 2 ? 1 : 3) }, { "OSLanguage", (uint)German } };
    }

    private static IEnumerable<Row> Services()
    {
        return Entries("services").Select(one => new Row
        {
            { "Name", one.Key },
            { "StartMode", Mode((string)one.Value["start"]) },
            { "State", (string)one.Value["state"] == "running" ? "Running" : "Stopped" },
            { "DelayedAutoStart", (string)one.Value["start"] == "delayed" },
            { "StartName", one.Value["account"] },
        });
    }

    private static string Mode(string start)
    {
        return start == "delayed" ? "Auto" : Char.ToUpperInvariant(start[0]) + start.Substring(1);
    }

    private static IEnumerable<Row> Features()
    {
        string[] states = new string[] { "", "enabled", "disabled", "removed" };
        return StandIn.Section("features").Select(one => new Row { { "Name", one.Key }, { "InstallState", (uint)Array.IndexOf(states, (string)one.Value) } });
    }

    private static IEnumerable<Row> Network()
    {
        string file = Path.Combine(StandIn.Host, "places.json"); // who started it from a test needs no network
        string address = File.Exists(file) ? (string)AnsibleModule.FromJson<Row>(File.ReadAllText(file))["address"] : "127.0.0.1";
        yield return new Row { { "IPAddress", new string[] { address } }, { "MACAddress", "02:00:5E:00:53:01" } };
    }

    private static IEnumerable<Row> Tpm()
    {
        return (bool)StandIn.Section("computer")["tpm"] ? new Row[] { new Row { { "SpecVersion", "2.0, 0, 1.59" } } } : new Row[0];
    }

    private static IEnumerable<Row> Volumes()
    {
        string[] types = new string[] { "system", "fixed", "removable" };
        string[] methods = new string[] { "", "", "", "AES 128", "AES 256", "", "XTS-AES 128", "XTS-AES 256" };
        return Entries("bitlocker").Select(one => new { Letter = one.Key, Percent = (int)one.Value["encrypted_percent"], Of = one.Value }).Select(volume => new Row
        {
            { "DriveLetter", volume.Letter },
            { "VolumeType", (uint)Array.IndexOf(types, (string)volume.Of["type"]) },
            { "ProtectionStatus", (uint)((bool)volume.Of["protected"] ? 1 : 0) },
            { "ConversionStatus", (uint)(volume.Percent == 100 ? 1 : volume.Percent == 0 ? 0 : 2) },
            { "EncryptionMethod", (uint)Math.Max(0, Array.IndexOf(methods, (string)volume.Of["method"])) },
        });
    }

    private const string Policies = @"SOFTWARE\Policies\Microsoft\Windows Defender";

    /// <summary>A number of Defender's policies; tamper protection lets none of them switch it off.</summary>
    private static int Policy(string below, string name, int otherwise)
    {
        RegistryData found = World.Registry.Read("HKLM", "64", Policies + below, name);
        return found == null ? otherwise : (int)found.Value;
    }

    private static bool Runs { get { return (bool)StandIn.Section("defender")["service"] && !OtherProducts().Any(); } }

    private static bool Guards
    {
        get
        {
            bool off = Policy(@"\Real-Time Protection", "DisableRealtimeMonitoring", 0) == 1 && !(bool)StandIn.Section("defender")["tamper_protected"];
            return Runs && !off && (bool)StandIn.Section("defender")["real_time"];
        }
    }

    private static IDictionary<string, object> OtherProducts()
    {
        return (IDictionary<string, object>)StandIn.Section("defender")["other_products"];
    }

    private static IEnumerable<Row> Defender()
    {
        IDictionary<string, object> state = StandIn.Section("defender");
        bool guards = Guards;
        yield return new Row
        {
            { "AMServiceEnabled", Runs }, { "AMRunningMode", Runs ? "Normal" : "Not running" }, { "RealTimeProtectionEnabled", guards },
            { "BehaviorMonitorEnabled", guards }, { "OnAccessProtectionEnabled", guards }, { "IoavProtectionEnabled", guards },
            { "IsTamperProtected", state["tamper_protected"] }, { "AntivirusSignatureAge", (uint)(int)state["signature_age_days"] },
            { "FullScanAge", (uint)(int)state["full_scan_age_days"] },
        };
    }

    private static string[] Excluded(string what, string[] byHand)
    {
        string[] by = Policy(@"\Exclusions", "Exclusions_" + what, 0) == 1 ? World.Registry.ValueNames("HKLM", "64", Policies + @"\Exclusions\" + what) : new string[0];
        return Policy("", "DisableLocalAdminMerge", 0) == 1 ? by : by.Union(byHand).ToArray();
    }

    private static IEnumerable<Row> Preferences()
    {
        string rules = Policies + @"\Windows Defender Exploit Guard\ASR\Rules";
        string[] ids = Policy(@"\Windows Defender Exploit Guard\ASR", "ExploitGuard_ASR_Rules", 0) == 1 ? World.Registry.ValueNames("HKLM", "64", rules) : new string[0];
        string[] byHand = ((IEnumerable)StandIn.Section("defender")["exclusions"]).Cast<string>().ToArray();
        yield return new Row
        {
            { "ExclusionPath", Excluded("Paths", byHand) }, { "ExclusionProcess", Excluded("Processes", new string[0]) },
            { "ExclusionExtension", Excluded("Extensions", new string[0]) }, { "AttackSurfaceReductionRules_Ids", ids },
            { "AttackSurfaceReductionRules_Actions", ids.Select(id => Byte.Parse((string)World.Registry.Read("HKLM", "64", rules, id).Value)).ToArray() },
            { "DisableArchiveScanning", Policy(@"\Scan", "DisableArchiveScanning", 0) == 1 },
            { "DisableEmailScanning", Policy(@"\Scan", "DisableEmailScanning", 1) == 1 }, // off unless somebody asks for it
            { "DisableRemovableDriveScanning", Policy(@"\Scan", "DisableRemovableDriveScanning", 1) == 1 },
            { "DisableScriptScanning", Policy(@"\Real-Time Protection", "DisableScriptScanning", 0) == 1 },
            { "ScanParameters", Policy(@"\Scan", "ScanParameters", 1) }, { "ScanScheduleDay", Policy(@"\Scan", "ScheduleDay", 0) },
            { "SignatureUpdateInterval", Policy(@"\Signature Updates", "SignatureUpdateInterval", 0) },
        };
    }

    private static IEnumerable<Row> Products()
    {
        const uint on = 397568, off = 393472; // 0x061100, 0x060100: bit 0x1000 says that it is on, 0x10 that its signatures are old
        Dictionary<string, uint> states = new Dictionary<string, uint> { { "on", 266240 }, { "outdated", 266256 }, { "off", 262144 } };
        if (Role >= 2)
            return null; // a server has no security centre
        return new Row[] { new Row { { "displayName", "Windows Defender" }, { "productState", Guards ? on : off } } }
            .Concat(OtherProducts().Select(one => new Row { { "displayName", one.Key }, { "productState", states[(string)one.Value] } }));
    }

    private static IEnumerable<Row> Shares()
    {
        Dictionary<string, string> masks = new Dictionary<string, string> { { "full", "FA" }, { "change", "0x1301bf" }, { "read", "0x1200a9" } };
        return Entries("shares").Select(one => new Row
        {
            { "Name", one.Key }, { "Path", one.Value["path"] }, { "Special", one.Key.EndsWith("$", StringComparison.Ordinal) },
            { "EncryptData", one.Value["encrypted"] },
            { "SecurityDescriptor", "O:SYG:SYD:" + String.Join("", ((IDictionary<string, object>)one.Value["access"])
                .Select(entry => "(A;;" + masks[(string)entry.Value] + ";;;" + entry.Key + ")")) },
        });
    }
}
