// Copyright: Praxisschild contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

using Microsoft.Win32;
using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Security;
using System.Security.AccessControl;
using System.Security.Principal;
using System.Text;
using System.Xml;
using Ansible.Basic;
using Ansible.Praxisschild.Accounts;
using Ansible.Praxisschild.AuditPolicy;
using Ansible.Praxisschild.Cim;
using Ansible.Praxisschild.DomainPolicy;
using Ansible.Praxisschild.RegistryValues;
using Ansible.Praxisschild.SecurityPolicy;
using Ansible.Praxisschild.Upkeep;
using Ansible.Praxisschild.Windows;

//AssemblyReference -Name System.Xml.dll -CLR Framework

namespace Ansible.Praxisschild.Snapshot
{
    /// <summary>
    /// The effective state of this Windows as one JSON document: numbers, SIDs, GUIDs and the system's own names, nothing localised.
    /// A section that cannot be read is null, and `errors` says why.
    /// </summary>
    public static class Collector
    {
        private const int SchemaVersion = 1;

        private static readonly Dictionary<string, Func<object>> Sections = new Dictionary<string, Func<object>>
        {
            { "computer", HostFacts.Computer },
            { "registry", RegistryTrees.Machine },
            { "hives", RegistryTrees.Users },
            { "security", Policies.SystemAccess },
            { "rights", Policies.Rights },
            { "audit", Policies.Audit },
            { "services", HostFacts.Services },
            { "features", HostFacts.Features },
            { "tasks", HostFacts.Tasks },
            { "accounts", People.Users },
            { "groups", People.Groups },
            { "shares", HostFacts.Shares },
            { "defender", Protection.Defender },
            { "defender_preferences", Protection.Preferences },
            { "antivirus", Protection.Products },
            { "volumes", Protection.Volumes },
            { "updates", UpkeepSections.Updates },
            { "backup", UpkeepSections.Backup },
            { "software", HostFacts.Software },
            { "network", HostFacts.Network },
        };

        /// <summary>Print the document to standard output, in ASCII: no code page of a console can spoil it.</summary>
        public static void Print()
        {
            StringBuilder text = new StringBuilder();
            foreach (char one in AnsibleModule.ToJson(Document()))
                if (one < 128)
                    text.Append(one);
                else
                    text.Append("\\u").Append(((int)one).ToString("x4", CultureInfo.InvariantCulture));
            Console.Out.WriteLine(text);
        }

        public static Dictionary<string, object> Document()
        {
            List<Dictionary<string, object>> errors = new List<Dictionary<string, object>>();
            Dictionary<string, object> document = new Dictionary<string, object>
            {
                { "schema_version", SchemaVersion },
                { "platform", "windows" },
                { "collected_at", DateTime.UtcNow.ToString("yyyy-MM-ddTHH:mm:ss+00:00", CultureInfo.InvariantCulture) },
                { "errors", errors },
            };
            foreach (KeyValuePair<string, Func<object>> section in Sections)
            {
                try
                {
                    document[section.Key] = section.Value();
                }
                catch (Exception error) // whatever it was: the other sections are still worth having
                {
                    document[section.Key] = null;
                    errors.Add(new Dictionary<string, object>
                    {
                        { "section", section.Key }, { "message", error.GetType().Name + ": " + error.Message },
                    });
                }
            }
            return document;
        }
    }

    /// <summary>Whole parts of the registry: what policies say, and where Windows keeps what they are about.</summary>
    public static class RegistryTrees
    {
        private static readonly string[] MachineRoots = new string[]
        {
            @"SOFTWARE\Policies",
            @"SOFTWARE\WOW6432Node\Policies",
            @"SOFTWARE\Microsoft\Windows\CurrentVersion\Policies",
            @"SOFTWARE\Microsoft\Windows\CurrentVersion\CapabilityAccessManager\ConsentStore\microphone",
            @"SOFTWARE\Microsoft\Windows\CurrentVersion\CapabilityAccessManager\ConsentStore\webcam",
            @"SOFTWARE\Microsoft\Windows\CurrentVersion\WINEVT\Channels\Security",
            @"SOFTWARE\Microsoft\Windows NT\CurrentVersion\Winlogon",
            @"SOFTWARE\Microsoft\Windows Script Host\Settings",
            @"SOFTWARE\Microsoft\wcmsvc\wifinetworkmanager",
            @"SYSTEM\CurrentControlSet\Control\CrashControl",
            @"SYSTEM\CurrentControlSet\Control\Lsa",
            @"SYSTEM\CurrentControlSet\Control\SecurityProviders",
            @"SYSTEM\CurrentControlSet\Control\Session Manager\kernel",
            @"SYSTEM\CurrentControlSet\Control\Terminal Server",
            @"SYSTEM\CurrentControlSet\Policies",
            @"SYSTEM\CurrentControlSet\Control\Remote Assistance",
            @"SYSTEM\CurrentControlSet\Services\EventLog\Application",
            @"SYSTEM\CurrentControlSet\Services\EventLog\Security",
            @"SYSTEM\CurrentControlSet\Services\EventLog\System",
            @"SYSTEM\CurrentControlSet\Services\LanmanServer\Parameters",
            @"SYSTEM\CurrentControlSet\Services\LanmanWorkstation\Parameters",
            @"SYSTEM\CurrentControlSet\Services\LDAP",
            @"SYSTEM\CurrentControlSet\Services\mrxsmb10",
            @"SYSTEM\CurrentControlSet\Services\NetBT\Parameters",
            @"SYSTEM\CurrentControlSet\Services\Netlogon\Parameters",
            @"SYSTEM\CurrentControlSet\Services\SharedAccess\Parameters\FirewallPolicy",
            @"SYSTEM\CurrentControlSet\Services\USBSTOR",
        };

        private static readonly string[] UserRoots = new string[]
        {
            @"Software\Policies",
            @"Software\Microsoft\Windows\CurrentVersion\Policies",
            @"Software\Microsoft\Windows\CurrentVersion\CapabilityAccessManager\ConsentStore\microphone",
            @"Software\Microsoft\Windows\CurrentVersion\CapabilityAccessManager\ConsentStore\webcam",
            @"Software\Microsoft\Windows\CurrentVersion\AdvertisingInfo",
            @"Software\Microsoft\Windows\CurrentVersion\Run",
            @"Control Panel\Desktop",
        };

        public static object Machine()
        {
            Dictionary<string, object> keys = new Dictionary<string, object>();
            foreach (string root in MachineRoots)
                Add(keys, "HKLM", root, @"HKLM\" + root);
            return keys;
        }

        public static object Users()
        {
            Dictionary<string, object> hives = new Dictionary<string, object>();
            foreach (Hive hive in Hives.All(new List<string>()))
            {
                Dictionary<string, object> keys = new Dictionary<string, object>();
                Hives.With(hive, () =>
                {
                    foreach (string root in UserRoots)
                        Add(keys, "HKU", hive.Mount + "\\" + root, root);
                });
                hives[hive.Sid == "Default" ? "default" : hive.Sid] = keys;
            }
            return hives;
        }

        /// <summary>The values of a key and of those below it; a key without values is left out.</summary>
        private static void Add(Dictionary<string, object> keys, string hive, string key, string label)
        {
            Dictionary<string, object> values = new Dictionary<string, object>();
            string[] names;
            try
            {
                names = World.Registry.ValueNames(hive, "64", key);
            }
            catch (SecurityException) // a key that the system keeps even from administrators says nothing about a policy
            {
                return;
            }
            foreach (string name in names)
            {
                RegistryData data = World.Registry.Read(hive, "64", key, name);
                if (data != null)
                    values[name] = Written(data);
            }
            if (values.Count > 0)
                keys[label] = values;
            foreach (string below in World.Registry.SubKeys(hive, "64", key))
                Add(keys, hive, key + "\\" + below, label + "\\" + below);
        }

        private static object[] Written(RegistryData data)
        {
            byte[] bytes = data.Value as byte[];
            if (bytes != null)
                return new object[] { data.Kind == RegistryValueKind.None ? "none" : "binary", BitConverter.ToString(bytes).Replace("-", "").ToLowerInvariant() };
            switch (data.Kind)
            {
                case RegistryValueKind.DWord:
                    return new object[] { "dword", (long)unchecked((uint)(int)data.Value) };
                case RegistryValueKind.QWord:
                    return new object[] { "qword", data.Value };
                case RegistryValueKind.MultiString:
                    return new object[] { "multi_string", data.Value };
                default:
                    return new object[] { data.Kind == RegistryValueKind.ExpandString ? "expand_string" : "string", Convert.ToString(data.Value, CultureInfo.InvariantCulture) };
            }
        }
    }

    /// <summary>What the local security policy and the audit policy are in effect.</summary>
    public static class Policies
    {
        public static object SystemAccess()
        {
            Dictionary<string, object> settings = new Dictionary<string, object>();
            foreach (KeyValuePair<string, string> one in Section(Inf.SystemAccess))
            {
                int number;
                bool whole = Int32.TryParse(one.Value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out number);
                settings[one.Key] = whole ? (object)number : Inf.Unquote(one.Value);
            }
            return settings;
        }

        public static object Rights()
        {
            return Section(Inf.PrivilegeRights).ToDictionary(one => one.Key, one => (object)Inf.Accounts(one.Value)
                .Select(account => account.TrimStart('*')).Select(account => account.StartsWith("S-1-", StringComparison.OrdinalIgnoreCase)
                    ? account.ToUpperInvariant() : World.Machine.SidOf(account) ?? account).OrderBy(sid => sid, StringComparer.Ordinal).ToArray());
        }

        public static object Audit()
        {
            return AuditPolicyBatch.Backup().ToDictionary(one => one.Key, one => (object)one.Value);
        }

        private static Dictionary<string, string> Section(string name)
        {
            Dictionary<string, string> section;
            return SecurityPolicyBatch.Export().TryGetValue(name, out section) ? section : new Dictionary<string, string>();
        }
    }

    public static class People
    {
        public static object Users()
        {
            return AccountSource.Current.Users().Select(user => new Dictionary<string, object>
            {
                { "sid", user.Sid }, { "name", user.Name }, { "enabled", user.Enabled }, { "locked", user.Locked },
                { "password_required", user.PasswordRequired }, { "password_expires", user.PasswordExpires },
                { "last_logon", user.LastLogon == null ? null : user.LastLogon.Value.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture) },
            }).ToArray();
        }

        public static object Groups()
        {
            return AccountSource.Current.Groups().ToDictionary(one => one.Key, one => (object)one.Value.ToArray());
        }
    }

    /// <summary>Who guards the host against malware and thieves.</summary>
    public static class Protection
    {
        /// <summary>Properties of MSFT_MpComputerStatus under their own names; null where Defender is not installed.</summary>
        public static object Defender()
        {
            List<Dictionary<string, object>> found = CimSource.Current.Query(@"root\Microsoft\Windows\Defender",
                "SELECT AMServiceEnabled, AMRunningMode, RealTimeProtectionEnabled, BehaviorMonitorEnabled, OnAccessProtectionEnabled, "
                + "IoavProtectionEnabled, IsTamperProtected, AntivirusSignatureAge, FullScanAge FROM MSFT_MpComputerStatus");
            return found == null ? null : (object)found.FirstOrDefault();
        }

        /// <summary>Properties of MSFT_MpPreference under their own names: what counts, wherever it was set.</summary>
        public static object Preferences()
        {
            List<Dictionary<string, object>> found = CimSource.Current.Query(@"root\Microsoft\Windows\Defender",
                "SELECT ExclusionPath, ExclusionProcess, ExclusionExtension, AttackSurfaceReductionRules_Ids, AttackSurfaceReductionRules_Actions, "
                + "DisableArchiveScanning, DisableEmailScanning, DisableRemovableDriveScanning, DisableScriptScanning, ScanParameters, "
                + "ScanScheduleDay, SignatureUpdateInterval FROM MSFT_MpPreference");
            Dictionary<string, object> preferences = found == null ? null : found.FirstOrDefault();
            if (preferences != null && preferences["AttackSurfaceReductionRules_Actions"] is byte[]) // bytes would be written as text
                preferences["AttackSurfaceReductionRules_Actions"] =
                    ((byte[])preferences["AttackSurfaceReductionRules_Actions"]).Select(one => (int)one).ToArray();
            return preferences;
        }

        /// <summary>Products that registered with the security centre; a server has none, and no list.</summary>
        public static object Products()
        {
            List<Dictionary<string, object>> found = CimSource.Current.Query(@"root\SecurityCenter2", "SELECT displayName, productState FROM AntiVirusProduct");
            return found == null ? new object[0] : found.Select(one => (object)new Dictionary<string, object>
            {
                { "name", one["displayName"] }, { "product_state", Convert.ToInt64(one["productState"], CultureInfo.InvariantCulture) },
            }).ToArray();
        }

        /// <summary>BitLocker's volumes in the numbers of Win32_EncryptableVolume; null where Windows has no BitLocker.</summary>
        public static object Volumes()
        {
            List<Dictionary<string, object>> found = CimSource.Current.Query(@"root\CIMV2\Security\MicrosoftVolumeEncryption",
                "SELECT DriveLetter, VolumeType, ProtectionStatus, ConversionStatus, EncryptionMethod FROM Win32_EncryptableVolume");
            return found == null ? null : found.Select(one => new Dictionary<string, object>
            {
                { "letter", one["DriveLetter"] },
                { "type", HostFacts.Number(one["VolumeType"]) }, // 0 system, 1 fixed, 2 removable
                { "protection", HostFacts.Number(one["ProtectionStatus"]) }, // 0 off, 1 on, 2 locked: unknown
                { "conversion", HostFacts.Number(one["ConversionStatus"]) }, // 0 decrypted, 1 encrypted, 2 encrypting, 3 decrypting, 4 and 5 paused
                { "method", HostFacts.Number(one["EncryptionMethod"]) }, // 3 AES 128, 4 AES 256, 6 XTS-AES 128, 7 XTS-AES 256
            }).ToArray();
        }
    }

    public static class HostFacts
    {
        private const string CurrentVersion = @"SOFTWARE\Microsoft\Windows NT\CurrentVersion";
        private const string Uninstall = @"SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall";
        private const string OurTasks = @"\Praxisschild\";
        private static readonly string[] Starts = new string[] { "Boot", "System", "Auto", "Manual", "Disabled" };

        public static int? Number(object value)
        {
            return value == null ? (int?)null : Convert.ToInt32(value, CultureInfo.InvariantCulture);
        }

        public static object Computer()
        {
            Dictionary<string, object> system = Only(@"root\cimv2", "SELECT Name, Domain, DomainRole, PartOfDomain FROM Win32_ComputerSystem");
            Dictionary<string, object> windows = Only(@"root\cimv2", "SELECT ProductType, OSLanguage FROM Win32_OperatingSystem");
            return new Dictionary<string, object>
            {
                { "name", system["Name"] },
                { "domain", (bool)system["PartOfDomain"] ? system["Domain"] : "" },
                { "domain_role", Number(system["DomainRole"]) }, // 0 workstation, 1 member, 2 server, 3 member, 4 and 5 domain controllers
                { "product_type", Number(windows["ProductType"]) }, // 1 workstation, 2 domain controller, 3 server
                { "language", Number(windows["OSLanguage"]) },
                { "edition", Text("EditionID") },
                { "display_version", Text("DisplayVersion") },
                { "build", Int32.Parse(Text("CurrentBuild"), CultureInfo.InvariantCulture) },
                { "revision", Value("SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion", "UBR") },
                { "secure_boot", Number(Value(@"SYSTEM\CurrentControlSet\Control\SecureBoot\State", "UEFISecureBootEnabled")) == 1 },
                // the class is there on every Windows, and has no instance without a chip
                { "tpm", (CimSource.Current.Query(@"root\CIMV2\Security\MicrosoftTpm", "SELECT SpecVersion FROM Win32_Tpm") ?? new List<Dictionary<string, object>>()).Count > 0 },
                // one that runs elsewhere is a stand-in, and whoever reads the evidence has to know
                { "stand_in", Environment.OSVersion.Platform != PlatformID.Win32NT },
            };
        }

        private static Dictionary<string, object> Only(string scope, string wql)
        {
            List<Dictionary<string, object>> found = CimSource.Current.Query(scope, wql);
            if (found == null || found.Count != 1)
                throw new BatchException("nothing answers to " + wql);
            return found[0];
        }

        private static object Value(string key, string name)
        {
            RegistryData data = World.Registry.Read("HKLM", "64", key, name);
            return data == null ? null : data.Value;
        }

        private static string Text(string name)
        {
            return Value(CurrentVersion, name) as string;
        }

        public static object Services()
        {
            List<Dictionary<string, object>> found = CimSource.Current.Query(@"root\cimv2", "SELECT Name, StartMode, State, DelayedAutoStart, StartName FROM Win32_Service");
            Dictionary<string, object> services = new Dictionary<string, object>();
            foreach (Dictionary<string, object> one in found)
            {
                int start = Array.IndexOf(Starts, (string)one["StartMode"]);
                if (start < 0)
                    throw new BatchException(String.Format("{0} starts in a way that is not known: {1}", one["Name"], one["StartMode"]));
                services[(string)one["Name"]] = new Dictionary<string, object>
                {
                    { "start", start }, // as in the registry: 0 boot, 1 system, 2 automatic, 3 manual, 4 disabled
                    { "running", (string)one["State"] == "Running" }, // an enumeration of CIM: English everywhere
                    { "delayed", one["DelayedAutoStart"] as bool? ?? false },
                    { "account", one["StartName"] },
                };
            }
            return services;
        }

        public static object Features()
        {
            const int enabled = 1;
            return CimSource.Current.Query(@"root\cimv2", "SELECT Name, InstallState FROM Win32_OptionalFeature")
                .ToDictionary(one => (string)one["Name"], one => (object)(Number(one["InstallState"]) == enabled));
        }

        /// <summary>Scheduled tasks that are not of Windows itself: whether they are enabled, and of ours the definition.</summary>
        public static object Tasks()
        {
            Dictionary<string, object> tasks = new Dictionary<string, object>();
            string folder = World.System32 + @"\Tasks";
            // what Windows itself brings are hundreds, and nothing here is about them
            foreach (string name in World.Machine.TaskNames().Where(name => !name.StartsWith(@"\Microsoft\", StringComparison.OrdinalIgnoreCase)))
            {
                XmlDocument document = new XmlDocument { XmlResolver = null };
                document.LoadXml(World.ReadText(World.Machine.Native(folder + name)).TrimStart('\uFEFF'));
                XmlElement setting = document.GetElementsByTagName("Settings").OfType<XmlElement>().SelectMany(one => one.ChildNodes.OfType<XmlElement>())
                    .FirstOrDefault(one => one.LocalName == "Enabled");
                tasks[name] = new Dictionary<string, object>
                {
                    { "enabled", setting == null || setting.InnerText.Trim() != "false" },
                    { "xml", name.StartsWith(OurTasks, StringComparison.OrdinalIgnoreCase) ? document.OuterXml : null },
                };
            }
            return tasks;
        }

        public static object Shares()
        {
            List<Dictionary<string, object>> found = CimSource.Current.Query(@"root\Microsoft\Windows\SMB",
                "SELECT Name, Path, Special, EncryptData, SecurityDescriptor FROM MSFT_SmbShare");
            return found == null ? null : found.Select(one => new Dictionary<string, object>
            {
                { "name", one["Name"] }, { "path", one["Path"] }, { "special", one["Special"] }, { "encrypted", one["EncryptData"] },
                { "access", Access((string)one["SecurityDescriptor"]) },
            }).ToArray();
        }

        /// <summary>Who may do what: full, change or read by SID. Source: the access masks of files, as share permissions use them.</summary>
        private static Dictionary<string, object> Access(string sddl)
        {
            const int full = 0x1F01FF, write = 0x2;
            Dictionary<string, object> access = new Dictionary<string, object>();
            RawSecurityDescriptor descriptor = new RawSecurityDescriptor(sddl);
            if (descriptor.DiscretionaryAcl == null) // none at all: everybody may do everything
                return new Dictionary<string, object> { { "S-1-1-0", "full" } };
            foreach (CommonAce entry in descriptor.DiscretionaryAcl.OfType<CommonAce>())
                if (entry.AceQualifier == AceQualifier.AccessAllowed)
                    access[entry.SecurityIdentifier.Value] = (entry.AccessMask & full) == full ? "full" : (entry.AccessMask & write) != 0 ? "change" : "read";
            return access;
        }

        public static object Software()
        {
            List<object> software = new List<object>();
            foreach (string view in new string[] { "64", "32" })
                foreach (string name in World.Registry.SubKeys("HKLM", view, Uninstall))
                {
                    RegistryData shown = World.Registry.Read("HKLM", view, Uninstall + "\\" + name, "DisplayName");
                    if (shown == null)
                        continue;
                    RegistryData version = World.Registry.Read("HKLM", view, Uninstall + "\\" + name, "DisplayVersion");
                    RegistryData publisher = World.Registry.Read("HKLM", view, Uninstall + "\\" + name, "Publisher");
                    software.Add(new Dictionary<string, object>
                    {
                        { "name", shown.Value as string }, { "version", version == null ? "" : version.Value as string },
                        { "publisher", publisher == null ? "" : publisher.Value as string },
                    });
                }
            return software.ToArray();
        }

        public static object Network()
        {
            List<Dictionary<string, object>> found = CimSource.Current.Query(@"root\cimv2",
                "SELECT IPAddress, MACAddress FROM Win32_NetworkAdapterConfiguration WHERE IPEnabled = TRUE");
            return new Dictionary<string, object> { { "addresses", found.SelectMany(one => (string[])one["IPAddress"]).ToArray() } };
        }
    }
}
