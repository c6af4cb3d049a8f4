// Copyright: Praxisschild contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

using System;
using System.Collections;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Text;
using System.Text.RegularExpressions;
using Ansible.Basic;
using Ansible.Praxisschild.Guard;
using Ansible.Praxisschild.Windows;

namespace Ansible.Praxisschild.Upkeep
{
    /// <summary>An update that Windows Update has found and not installed.</summary>
    public class PendingUpdate
    {
        public string Article; // KB and its number
        public string Severity; // Critical, Important, Moderate, Low, or nothing: an enumeration, English everywhere
        public bool Security; // by its category: many a cumulative update has no severity
        public DateTime? Published; // in UTC
    }

    /// <summary>What Windows Update knows of itself.</summary>
    public interface IUpdateAgent
    {
        /// <summary>When it last searched with success; null if never.</summary>
        DateTime? LastSearch();

        /// <summary>When it last installed something with success; null if never.</summary>
        DateTime? LastInstallation();

        /// <summary>Software updates that the last search has found and that are not installed.</summary>
        List<PendingUpdate> Pending();
    }

    /// <summary>Where the snapshot asks. A stand-in for Windows puts its own here.</summary>
    public static class UpdateSource
    {
        public static IUpdateAgent Current = new WindowsUpdateAgent();
    }

    /// <summary>The agent's COM objects; searching what it has already found is allowed to a remote session, too.</summary>
    public class WindowsUpdateAgent : IUpdateAgent
    {
        // security and critical updates, in Microsoft's list of classifications
        private static readonly string[] Closing = new string[] { "0fa1201d-4330-4fa8-8ae9-b877473b6441", "e6cf1350-c01b-414d-a61f-263d14d133b4" };

        public DateTime? LastSearch()
        {
            return Result("LastSearchSuccessDate");
        }

        public DateTime? LastInstallation()
        {
            return Result("LastInstallationSuccessDate");
        }

        private static DateTime? Result(string name)
        {
            object found = Get(Get(Made("Microsoft.Update.AutoUpdate"), "Results"), name);
            return found == null ? (DateTime?)null : DateTime.SpecifyKind((DateTime)found, DateTimeKind.Utc);
        }

        public List<PendingUpdate> Pending()
        {
            object searcher = Call(Made("Microsoft.Update.Session"), "CreateUpdateSearcher");
            searcher.GetType().InvokeMember("Online", BindingFlags.SetProperty, null, searcher, new object[] { false });
            List<PendingUpdate> pending = new List<PendingUpdate>();
            foreach (object update in (IEnumerable)Get(Call(searcher, "Search", "IsInstalled=0 and IsHidden=0 and Type='Software'"), "Updates"))
            {
                string article = ((IEnumerable)Get(update, "KBArticleIDs")).Cast<object>().Select(one => "KB" + one).FirstOrDefault();
                object published = Get(update, "LastDeploymentChangeTime");
                pending.Add(new PendingUpdate
                {
                    Article = article ?? (string)Get(Get(update, "Identity"), "UpdateID"),
                    Severity = Get(update, "MsrcSeverity") as string ?? "",
                    Security = ((IEnumerable)Get(update, "Categories")).Cast<object>()
                        .Any(one => Closing.Contains(((string)Get(one, "CategoryID")).ToLowerInvariant())),
                    Published = published == null ? (DateTime?)null : DateTime.SpecifyKind((DateTime)published, DateTimeKind.Utc),
                });
            }
            return pending;
        }

        private static object Made(string name)
        {
            return Activator.CreateInstance(Type.GetTypeFromProgID(name, true));
        }

        private static object Get(object target, string name)
        {
            return target.GetType().InvokeMember(name, BindingFlags.GetProperty, null, target, null);
        }

        private static object Call(object target, string name, params object[] arguments)
        {
            return target.GetType().InvokeMember(name, BindingFlags.InvokeMethod, null, target, arguments);
        }
    }

    /// <summary>Sections of the snapshot about what goes on by itself: updates and the data backup.</summary>
    public static class UpkeepSections
    {
        private const string Servicing = @"SOFTWARE\Microsoft\Windows\CurrentVersion\Component Based Servicing\RebootPending";
        private const string AutoUpdate = @"SOFTWARE\Microsoft\Windows\CurrentVersion\WindowsUpdate\Auto Update\RebootRequired";
        private static readonly Regex Secret = new Regex("password|user", RegexOptions.IgnoreCase);

        public static object Updates()
        {
            return new Dictionary<string, object>
            {
                { "last_searched", Written(UpdateSource.Current.LastSearch()) },
                { "last_installed", Written(UpdateSource.Current.LastInstallation()) },
                { "pending_reboot", World.Registry.KeyExists("HKLM", "64", Servicing) || World.Registry.KeyExists("HKLM", "64", AutoUpdate) },
                { "pending", UpdateSource.Current.Pending().Select(one => new Dictionary<string, object>
                    {
                        { "article", one.Article }, { "severity", one.Severity }, { "security", one.Security }, { "published", Written(one.Published) },
                    }).ToArray() },
            };
        }

        private static string Written(DateTime? moment)
        {
            return moment == null ? null : moment.Value.ToUniversalTime().ToString("yyyy-MM-ddTHH:mm:ss+00:00", CultureInfo.InvariantCulture);
        }

        /// <summary>
        /// What the jobs of the data backup left, what they are told to do, and whether others than administrators can get at it.
        /// </summary>
        public static object Backup()
        {
            Dictionary<string, object> reports = new Dictionary<string, object>();
            string folder = World.Machine.Native(Store.Home + @"\backup");
            string state = Path.Combine(folder, "state");
            if (Directory.Exists(state))
                foreach (string file in Directory.GetFiles(state, "*.json"))
                    reports[Path.GetFileNameWithoutExtension(file)] = Read(file);
            string config = Path.Combine(folder, "config.json");
            Dictionary<string, object> told = File.Exists(config) ? Read(config) : null;
            return new Dictionary<string, object>
            {
                { "reports", reports },
                { "config", told == null ? null : told.Where(one => !Secret.IsMatch(one.Key)).ToDictionary(one => one.Key, one => one.Value) },
                { "password", File.Exists(Path.Combine(folder, "password")) },
                { "protected", Directory.Exists(World.Machine.Native(Store.Home)) && Store.IsProtected() },
                { "program", told != null && File.Exists(World.Machine.Native((string)told["restic"])) },
            };
        }

        private static Dictionary<string, object> Read(string file)
        {
            return AnsibleModule.FromJson<Dictionary<string, object>>(File.ReadAllText(file, Encoding.UTF8));
        }
    }
}
