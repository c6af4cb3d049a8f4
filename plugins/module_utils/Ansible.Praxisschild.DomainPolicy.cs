// Copyright: Praxisschild contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

using Microsoft.Win32;
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using System.Text.RegularExpressions;
using Ansible.Praxisschild.Windows;

namespace Ansible.Praxisschild.DomainPolicy
{
    /// <summary>Something that a domain policy sets, with the policy's name. A null value: the policy removes it.</summary>
    public class Owned<T>
    {
        public string Gpo;
        public T Value;
    }

    /// <summary>What the domain's policies set on this machine; null where they set nothing.</summary>
    public interface IDomainPolicy
    {
        /// <param name="sid">null for the machine's own settings, else the user's SID</param>
        Owned<RegistryData> Registry(string sid, string key, string name);

        Owned<string> Security(string section, string name);

        /// <summary>0 to 3 as in an audit.csv.</summary>
        Owned<int?> Audit(string guid);

        /// <summary>Names of policies that apply here and whose files could not be read.</summary>
        IEnumerable<string> Unreadable { get; }
    }

    /// <summary>
    /// Reads which policies were applied from the history of the Group Policy engine, and what they hold from the engine's own
    /// copy (DataStore), else from SYSVOL. Names, keys and files are the same on Windows in every language.
    /// Sources: MS-GPREG (Registry.pol), MS-GPSB (GptTmpl.inf), MS-GPAC (audit.csv).
    /// </summary>
    public class GroupPolicyHistory : IDomainPolicy
    {
        private const string History = @"SOFTWARE\Microsoft\Windows\CurrentVersion\Group Policy\History\";
        private const string RegistryExtension = "{35378EAC-683F-11D2-A89A-00C04FBBCFA2}";
        private const string SecurityExtension = "{827D319E-6EAC-11D2-A4EA-00C04F79F83A}";
        private const string AuditExtension = "{F3CCC681-B74C-4060-9F26-CD84525DCA2A}";
        private static readonly Regex InSysvol = new Regex(@"\\sysvol\\(?<rest>[^\\]+\\Policies\\\{[0-9a-f-]{36}\}\\(Machine|User))\\?$", RegexOptions.IgnoreCase);

        private readonly Dictionary<string, Dictionary<string, Owned<RegistryData>>> registry =
            new Dictionary<string, Dictionary<string, Owned<RegistryData>>>();
        private readonly HashSet<string> unreadable = new HashSet<string>();
        private Dictionary<string, Owned<string>> security;
        private Dictionary<string, Owned<int?>> audit;

        public IEnumerable<string> Unreadable { get { return unreadable; } }

        public Owned<RegistryData> Registry(string sid, string key, string name)
        {
            string scope = sid ?? "";
            if (!registry.ContainsKey(scope))
            {
                Dictionary<string, Owned<RegistryData>> values = registry[scope] = NoCase<Owned<RegistryData>>();
                Each(sid, RegistryExtension, "Registry.pol", (gpo, file) => RegistryPol.Apply(File.ReadAllBytes(file), gpo, values));
            }
            return Find(registry[scope], key + "\n" + name) ?? Find(registry[scope], key + "\n" + RegistryPol.Everything)
                ?? (sid == null ? SecurityOption(key, name) : null);
        }

        /// <summary>Security options are registry values too, but a policy keeps them with its security settings.</summary>
        private Owned<RegistryData> SecurityOption(string key, string name)
        {
            Owned<string> found = Security("Registry Values", @"MACHINE\" + key + "\\" + name);
            if (found == null)
                return null;
            string[] parts = found.Value.Split(new char[] { ',' }, 2);
            string text = parts.Length == 2 ? parts[1] : "";
            int number;
            RegistryData data = null;
            if (parts[0] == "4" && Int32.TryParse(text, out number))
                data = new RegistryData(RegistryValueKind.DWord, number);
            else if (parts[0] == "1" || parts[0] == "2")
                data = new RegistryData(parts[0] == "1" ? RegistryValueKind.String : RegistryValueKind.ExpandString, Inf.Unquote(text));
            else if (parts[0] == "7")
                data = new RegistryData(RegistryValueKind.MultiString, Inf.Accounts(text).ToArray());
            else
                unreadable.Add(found.Gpo);
            return data == null ? null : new Owned<RegistryData> { Gpo = found.Gpo, Value = data };
        }

        public Owned<string> Security(string section, string name)
        {
            if (security == null)
            {
                security = NoCase<Owned<string>>();
                Each(null, SecurityExtension, @"Microsoft\Windows NT\SecEdit\GptTmpl.inf", (gpo, file) =>
                {
                    foreach (KeyValuePair<string, Dictionary<string, string>> part in Inf.Parse(World.ReadText(file)))
                        foreach (KeyValuePair<string, string> setting in part.Value)
                            security[part.Key + "\n" + setting.Key] = new Owned<string> { Gpo = gpo, Value = setting.Value };
                });
            }
            return Find(security, section + "\n" + name);
        }

        public Owned<int?> Audit(string guid)
        {
            if (audit == null)
            {
                audit = NoCase<Owned<int?>>();
                Each(null, AuditExtension, @"Microsoft\Windows NT\Audit\audit.csv", (gpo, file) =>
                {
                    foreach (KeyValuePair<string, int> setting in AuditCsv.Parse(World.ReadText(file)))
                        audit[setting.Key] = new Owned<int?> { Gpo = gpo, Value = setting.Value };
                });
            }
            return Find(audit, guid);
        }

        private static Dictionary<string, T> NoCase<T>()
        {
            return new Dictionary<string, T>(StringComparer.OrdinalIgnoreCase);
        }

        private static T Find<T>(Dictionary<string, T> known, string key) where T : class
        {
            T found;
            return known.TryGetValue(key, out found) ? found : null;
        }

        /// <summary>Call back for every applied domain policy of the extension, the one that wins last.</summary>
        private void Each(string sid, string extension, string file, Action<string, string> read)
        {
            string hive = sid == null ? "HKLM" : "HKU";
            string list = (sid == null ? "" : sid + "\\") + History + extension;
            IEnumerable<string> order = World.Registry.SubKeys(hive, "64", list).OrderBy(Number);
            foreach (string key in order.Select(name => list + "\\" + name))
            {
                Match place = InSysvol.Match(Text(hive, key, "FileSysPath"));
                if (!place.Success)
                    continue; // the machine's local policy
                string gpo = Text(hive, key, "DisplayName");
                string cache = World.System32 + @"\GroupPolicy\DataStore\" + (sid ?? "0") + @"\SysVol\" + place.Groups["rest"].Value;
                string found = new string[] { cache, Text(hive, key, "FileSysPath").TrimEnd('\\') }
                    .Select(folder => World.Machine.Native(folder + "\\" + file)).FirstOrDefault(File.Exists);
                try
                {
                    if (found == null)
                        throw new BatchException("not found");
                    read(gpo, found);
                }
                catch (Exception error)
                {
                    if (!(error is BatchException || error is IOException || error is UnauthorizedAccessException))
                        throw;
                    unreadable.Add(gpo);
                }
            }
        }

        private static int Number(string name)
        {
            int number;
            return Int32.TryParse(name, out number) ? number : Int32.MaxValue;
        }

        private static string Text(string hive, string key, string name)
        {
            RegistryData data = World.Registry.Read(hive, "64", key, name);
            return data == null ? "" : data.Value as string ?? "";
        }
    }

    /// <summary>The file by which a policy sets registry values (MS-GPREG 2.2.1).</summary>
    public static class RegistryPol
    {
        /// <summary>Stands for all values of a key that a policy clears.</summary>
        public const string Everything = "**";

        public static void Apply(byte[] content, string gpo, Dictionary<string, Owned<RegistryData>> values)
        {
            if (content.Length < 8 || Encoding.ASCII.GetString(content, 0, 4) != "PReg" || BitConverter.ToInt32(content, 4) != 1)
                throw new BatchException("no Registry.pol");
            int at = 8;
            while (at < content.Length)
            {
                Expect(content, ref at, '[');
                string key = Text(content, ref at);
                Expect(content, ref at, ';');
                string name = Text(content, ref at);
                Expect(content, ref at, ';');
                int kind = Number(content, ref at);
                Expect(content, ref at, ';');
                int size = Number(content, ref at);
                Expect(content, ref at, ';');
                if (size < 0 || size > content.Length - at)
                    throw new BatchException("a value of Registry.pol is cut off");
                byte[] data = content.Skip(at).Take(size).ToArray();
                at += size;
                Expect(content, ref at, ']');
                Enter(values, gpo, key, name, kind, data);
            }
        }

        private static void Enter(Dictionary<string, Owned<RegistryData>> values, string gpo, string key, string name, int kind, byte[] data)
        {
            Owned<RegistryData> removed = new Owned<RegistryData> { Gpo = gpo };
            if (name.StartsWith("**del.", StringComparison.OrdinalIgnoreCase))
                values[key + "\n" + name.Substring(6)] = removed;
            else if (name.StartsWith("**delvals.", StringComparison.OrdinalIgnoreCase))
            {
                foreach (string known in values.Keys.Where(one => one.StartsWith(key + "\n", StringComparison.OrdinalIgnoreCase)).ToList())
                    values.Remove(known);
                values[key + "\n" + Everything] = removed;
            }
            else if (name.StartsWith("**DeleteValues", StringComparison.OrdinalIgnoreCase))
                foreach (string one in TextOf(data).Split(';'))
                    values[key + "\n" + one] = removed;
            else if (name.StartsWith("**soft.", StringComparison.OrdinalIgnoreCase) || !name.StartsWith("**", StringComparison.Ordinal))
            {
                string plain = name.StartsWith("**", StringComparison.Ordinal) ? name.Substring(7) : name;
                values[key + "\n" + plain] = new Owned<RegistryData> { Gpo = gpo, Value = Data(kind, data) };
            }
        }

        private static RegistryData Data(int kind, byte[] data)
        {
            switch (kind)
            {
                case 1: return new RegistryData(RegistryValueKind.String, TextOf(data));
                case 2: return new RegistryData(RegistryValueKind.ExpandString, TextOf(data));
                case 4:
                    if (data.Length == 4)
                        return new RegistryData(RegistryValueKind.DWord, BitConverter.ToInt32(data, 0));
                    break;
                case 7:
                    string all = TextOf(data);
                    return new RegistryData(RegistryValueKind.MultiString, all == "" ? new string[0] : all.Split('\0'));
                case 11:
                    if (data.Length == 8)
                        return new RegistryData(RegistryValueKind.QWord, BitConverter.ToInt64(data, 0));
                    break;
            }
            return new RegistryData(kind == 0 ? RegistryValueKind.None : RegistryValueKind.Binary, data);
        }

        private static string TextOf(byte[] data)
        {
            return Encoding.Unicode.GetString(data).TrimEnd('\0');
        }

        private static void Expect(byte[] content, ref int at, char sign)
        {
            if (at + 2 > content.Length || BitConverter.ToChar(content, at) != sign)
                throw new BatchException("no Registry.pol");
            at += 2;
        }

        private static string Text(byte[] content, ref int at)
        {
            StringBuilder text = new StringBuilder();
            for (; at + 2 <= content.Length; at += 2)
            {
                char one = BitConverter.ToChar(content, at);
                if (one == '\0')
                {
                    at += 2;
                    return text.ToString();
                }
                text.Append(one);
            }
            throw new BatchException("a name in Registry.pol is cut off");
        }

        private static int Number(byte[] content, ref int at)
        {
            if (at + 4 > content.Length)
                throw new BatchException("Registry.pol is cut off");
            at += 4;
            return BitConverter.ToInt32(content, at - 4);
        }
    }

    /// <summary>Security templates, as secedit and GptTmpl.inf write them.</summary>
    public static class Inf
    {
        public const string SystemAccess = "System Access";
        public const string PrivilegeRights = "Privilege Rights";

        /// <summary>Section → name → text behind the equals sign; lines without one are left out.</summary>
        public static Dictionary<string, Dictionary<string, string>> Parse(string text)
        {
            Dictionary<string, Dictionary<string, string>> sections =
                new Dictionary<string, Dictionary<string, string>>(StringComparer.OrdinalIgnoreCase);
            Dictionary<string, string> section = null;
            foreach (string line in text.Split('\r', '\n').Select(line => line.Trim('\uFEFF', ' ', '\t')))
            {
                if (line == "" || line[0] == ';')
                    continue;
                if (line[0] == '[' && line[line.Length - 1] == ']')
                {
                    string name = line.Substring(1, line.Length - 2).Trim();
                    if (!sections.TryGetValue(name, out section))
                        sections[name] = section = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
                    continue;
                }
                if (section == null)
                    throw new BatchException(String.Format("no security template: “{0}” stands before any section", Start(line)));
                int equals = line.IndexOf('=');
                if (equals > 0)
                    section[line.Substring(0, equals).Trim()] = line.Substring(equals + 1).Trim();
                else if (section == Section(sections, SystemAccess) || section == Section(sections, PrivilegeRights))
                    throw new BatchException(String.Format("no security template: “{0}” sets nothing", Start(line)));
            }
            Dictionary<string, string> version = Section(sections, "Version");
            string signature;
            if (version == null || !version.TryGetValue("signature", out signature) || signature.Trim('"') != "$CHICAGO$")
                throw new BatchException("no security template: it has no signature of one");
            return sections;
        }

        private static string Start(string line)
        {
            string shown = Regex.Replace(line, @"\p{C}+", " ");
            return shown.Length > 60 ? shown.Substring(0, 60) + "…" : shown;
        }

        private static Dictionary<string, string> Section(Dictionary<string, Dictionary<string, string>> sections, string name)
        {
            Dictionary<string, string> section;
            return sections.TryGetValue(name, out section) ? section : null;
        }

        /// <summary>The text itself, without the quotation marks that a template may put around it.</summary>
        public static string Unquote(string text)
        {
            return text.Length > 1 && text[0] == '"' && text[text.Length - 1] == '"'
                ? text.Substring(1, text.Length - 2).Replace("\"\"", "\"") : text;
        }

        /// <summary>The accounts of a right; commas inside quotation marks part nothing.</summary>
        public static List<string> Accounts(string text)
        {
            List<string> accounts = new List<string>();
            StringBuilder account = new StringBuilder();
            bool quoted = false;
            foreach (char one in text + ",")
            {
                if (one == '"')
                    quoted = !quoted;
                if (one != ',' || quoted)
                {
                    account.Append(one);
                    continue;
                }
                string found = Unquote(account.ToString().Trim());
                if (found != "")
                    accounts.Add(found);
                account.Clear();
            }
            if (quoted)
                throw new BatchException(String.Format("no list of accounts: a quotation mark is missing in “{0}”", Start(text)));
            return accounts;
        }

        /// <summary>A template that sets this and nothing else.</summary>
        public static string Format(IDictionary<string, string> access, IDictionary<string, string> rights)
        {
            StringBuilder text = new StringBuilder("[Unicode]\r\nUnicode=yes\r\n");
            Append(text, SystemAccess, access);
            Append(text, PrivilegeRights, rights);
            return text.Append("[Version]\r\nsignature=\"$CHICAGO$\"\r\nRevision=1\r\n").ToString();
        }

        private static void Append(StringBuilder text, string section, IDictionary<string, string> settings)
        {
            if (settings.Count > 0)
                text.Append('[').Append(section).Append("]\r\n");
            foreach (KeyValuePair<string, string> setting in settings)
                text.Append(setting.Key).Append(" = ").Append(setting.Value).Append("\r\n");
        }
    }

    /// <summary>
    /// The table that auditpol backs up and audit.csv holds: machine, target, subcategory, its GUID, two texts, a number from
    /// 0 to 4. Headings and texts are localised, the columns are not.
    /// </summary>
    public static class AuditCsv
    {
        private static readonly Regex Guid = new Regex(@"^\{[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\}$");

        /// <summary>GUID → 0 none, 1 success, 2 failure, 3 both; the policy of the system, without that of single users.</summary>
        public static Dictionary<string, int> Parse(string text)
        {
            Dictionary<string, int> settings = new Dictionary<string, int>(StringComparer.OrdinalIgnoreCase);
            string[] lines = text.Split('\r', '\n').Select(line => line.Trim('\uFEFF', ' ', '\t', '\0')).Where(line => line != "").ToArray();
            if (lines.Length == 0 || Fields(lines[0]).Count != 7)
                throw new BatchException("no table of audit settings: its first line has no seven columns");
            foreach (List<string> fields in lines.Skip(1).Select(Fields))
            {
                if (fields.Count < 4 || !Guid.IsMatch(fields[3]))
                    continue; // options and global object access: no subcategories
                if (fields[1].StartsWith("S-1-", StringComparison.OrdinalIgnoreCase))
                    continue; // what applies to a single user
                int setting;
                if (fields.Count < 7 || !Int32.TryParse(fields[6], out setting) || setting < 0 || setting > 4)
                    throw new BatchException(String.Format("no table of audit settings: {0} has no number from 0 to 4", fields[3]));
                settings[fields[3]] = setting == 4 ? 0 : setting;
            }
            return settings;
        }

        private static List<string> Fields(string line)
        {
            List<string> fields = new List<string>();
            StringBuilder field = new StringBuilder();
            bool quoted = false;
            foreach (char one in line)
            {
                if (one == '"')
                    quoted = !quoted;
                else if (one == ',' && !quoted)
                {
                    fields.Add(field.ToString().Trim());
                    field.Clear();
                }
                else
                    field.Append(one);
            }
            fields.Add(field.ToString().Trim());
            return fields;
        }
    }
}
