// Where the firewall keeps its own profiles and rules, as the registry shows them. Source: MS-FASP 2.2, MS-GPFAS 2.2.2.
using Microsoft.Win32;
using System;
using System.Collections;
using System.Collections.Generic;
using System.Linq;
using Ansible.Praxisschild.Windows;

public static class StandInFirewall
{
    public const string Store = @"SYSTEM\CurrentControlSet\Services\SharedAccess\Parameters\FirewallPolicy";
    private static readonly Dictionary<string, string> Profiles = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase)
    {
        { "DomainProfile", "domain" }, { "StandardProfile", "private" }, { "PublicProfile", "public" },
    };
    private static readonly string[] Numbers = new string[] { "EnableFirewall", "DefaultInboundAction", "DefaultOutboundAction", "DisableNotifications" };

    private static string Below(string hive, string key)
    {
        if (hive != "HKLM" || !(key + "\\").StartsWith(Store + "\\", StringComparison.OrdinalIgnoreCase))
            return null;
        return key.Length == Store.Length ? "" : key.Substring(Store.Length + 1);
    }

    public static IEnumerable<string> SubKeys(string hive, string key)
    {
        return Below(hive, key) == "" ? Profiles.Keys.Concat(new string[] { "FirewallRules" }) : new string[0];
    }

    public static IEnumerable<string> ValueNames(string hive, string key)
    {
        string below = Below(hive, key);
        if (String.Equals(below, "FirewallRules", StringComparison.OrdinalIgnoreCase))
            return ((IDictionary<string, object>)StandIn.Section("firewall")["rules"]).Keys;
        return below != null && Profiles.ContainsKey(below) ? Numbers : new string[0];
    }

    public static RegistryData Read(string hive, string key, string name)
    {
        string below = Below(hive, key);
        if (String.IsNullOrEmpty(below))
            return null;
        if (String.Equals(below, "FirewallRules", StringComparison.OrdinalIgnoreCase))
        {
            object rule;
            return ((IDictionary<string, object>)StandIn.Section("firewall")["rules"]).TryGetValue(name, out rule)
                ? new RegistryData(RegistryValueKind.String, Rule((IDictionary<string, object>)rule)) : null;
        }
        if (!Profiles.ContainsKey(below))
            return null;
        IDictionary<string, object> profile =
            (IDictionary<string, object>)((IDictionary<string, object>)StandIn.Section("firewall")["profiles"])[Profiles[below]];
        bool[] values = new bool[] { (bool)profile["enabled"], (string)profile["inbound"] == "block", (string)profile["outbound"] == "block", !(bool)profile["notify"] };
        int number = Array.FindIndex(Numbers, one => String.Equals(one, name, StringComparison.OrdinalIgnoreCase));
        return number < 0 ? null : new RegistryData(RegistryValueKind.DWord, values[number] ? 1 : 0);
    }

    private static string Rule(IDictionary<string, object> rule)
    {
        Dictionary<string, string> protocols = new Dictionary<string, string> { { "TCP", "6" }, { "UDP", "17" }, { "ICMPV4", "1" }, { "ANY", "" } };
        string protocol = protocols[((string)rule["protocol"]).ToUpperInvariant()];
        List<string> parts = new List<string>
        {
            "v2.31", "Action=" + ((string)rule["action"] == "allow" ? "Allow" : "Block"), "Active=" + ((bool)rule["enabled"] ? "TRUE" : "FALSE"),
            "Dir=" + ((string)rule["direction"] == "in" ? "In" : "Out"),
        };
        if (protocol != "")
            parts.Add("Protocol=" + protocol);
        parts.AddRange(Texts(rule["profiles"]).Select(one => "Profile=" + Char.ToUpperInvariant(one[0]) + one.Substring(1)));
        parts.AddRange(Texts(rule["ports"]).Select(one => "LPort=" + one));
        parts.AddRange(Texts(rule["remote"]).Select(one => "RA4=" + (one == "localsubnet" ? "LocalSubnet" : one)));
        parts.Add("App=" + rule["program"]);
        parts.Add("Name=" + rule["name"]);
        return String.Join("|", parts) + "|";
    }

    private static IEnumerable<string> Texts(object list)
    {
        return ((IEnumerable)list).Cast<string>().Where(one => one != "any");
    }
}
