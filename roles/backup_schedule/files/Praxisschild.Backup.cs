// Verwaltet von Praxisschild: Änderungen hier werden überschrieben.
// Copyright: Praxisschild contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

using System;
using System.Collections;
using System.Collections.Generic;
using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using System.Threading;
using System.Web.Script.Serialization;

namespace Praxisschild
{
    /// <summary>The job failed; the text says why, in the words of the practice.</summary>
    public class JobException : Exception
    {
        public JobException(string message) : base(message) { }
    }

    /// <summary>What the jobs need of the system. A stand-in for Windows puts its own here.</summary>
    public class Place
    {
        public virtual string Home
        {
            get { return (Environment.GetEnvironmentVariable("ProgramData") ?? @"C:\ProgramData") + @"\Praxisschild\backup"; }
        }

        public virtual string System32 { get { return Environment.SystemDirectory; } }

        /// <summary>A path of Windows as the file system of this process knows it.</summary>
        public virtual string Native(string path)
        {
            return path;
        }

        /// <summary>A path as restic keeps it in a snapshot: C:\Users is /C/Users there.</summary>
        public virtual string InSnapshot(string path)
        {
            return "/" + path.Replace(":", "").Replace('\\', '/');
        }

        /// <summary>Where the drive with this name is; null if it is not connected.</summary>
        public virtual string Medium(string label)
        {
            DriveInfo found = DriveInfo.GetDrives().FirstOrDefault(drive => drive.IsReady
                && String.Equals(drive.VolumeLabel, label, StringComparison.OrdinalIgnoreCase));
            return found == null ? null : found.RootDirectory.FullName;
        }

        /// <summary>Shadow copies are Windows' own: with them, open files and databases are whole.</summary>
        public virtual bool HasShadowCopies { get { return true; } }

        public virtual ProcessStartInfo Start(string program, IEnumerable<string> arguments)
        {
            return new ProcessStartInfo(program, String.Join(" ", arguments.Select(Quote)));
        }

        /// <summary>As the C runtime of Windows reads it.</summary>
        private static string Quote(string argument)
        {
            if (argument != "" && argument.IndexOfAny(new char[] { ' ', '\t', '"' }) < 0)
                return argument;
            return "\"" + Regex.Replace(argument, @"(\\*)(""|$)", "$1$1$2").Replace("\"", "\\\"") + "\"";
        }

        /// <summary>Where somebody looks who is told of an error, and what a log host collects.</summary>
        public virtual void Tell(string text, bool failed)
        {
            try
            {
                if (!EventLog.SourceExists("Praxisschild"))
                    EventLog.CreateEventSource("Praxisschild", "Application");
                EventLog.WriteEntry("Praxisschild", text, failed ? EventLogEntryType.Error : EventLogEntryType.Information, failed ? 2 : 1);
            }
            catch (Exception error)
            {
                Console.Error.WriteLine(error.Message); // the status file has it, too
            }
        }
    }

    public class Ended
    {
        public int Code;
        public string Output;
        public string Errors;

        public string LastWords
        {
            get
            {
                string said = Errors.Trim() == "" ? Output : Errors;
                string[] lines = said.Split('\r', '\n').Select(line => line.Trim()).Where(line => line != "").ToArray();
                string words = String.Join(" / ", lines.Skip(Math.Max(0, lines.Length - 2)));
                return words == "" ? "Ende mit " + Code : words.Length > 300 ? words.Substring(0, 300) : words;
            }
        }
    }

    /// <summary>One job of the data backup; its result is left in state\(job).json beside the configuration.</summary>
    public static class Backup
    {
        private const int Samples = 20;
        private const long LargestSample = 50000000; // bytes
        private const int LongestPath = 160; // the restored file lies deeper, and .NET ends at 260
        private const int Incomplete = 3; // restic's exit code when it could not read everything
        private const string Tag = "praxisschild";

        public static Place Place = new Place();

        private static readonly JavaScriptSerializer Json = new JavaScriptSerializer { MaxJsonLength = Int32.MaxValue };
        private static readonly Random Chance = new Random();
        private static readonly Dictionary<string, Func<Dictionary<string, object>, Dictionary<string, object>>> Jobs =
            new Dictionary<string, Func<Dictionary<string, object>, Dictionary<string, object>>>
        {
            { "daily", Daily }, { "medium", Medium }, { "check", Check }, { "restore-test", RestoreTest }, { "image", Image },
        };
        private static readonly Dictionary<string, string> Titles = new Dictionary<string, string>
        {
            { "daily", "Tagessicherung" }, { "medium", "Kopie auf dem Wechselmedium" }, { "check", "Prüfung der Sicherung" },
            { "restore-test", "Rücksicherungstest" }, { "image", "Abbild des Servers" },
        };

        /// <summary>Run the job and tell how it went, whatever happens. 0 done, 1 failed, 2 misuse.</summary>
        public static int Run(string job)
        {
            if (!Jobs.ContainsKey(job))
            {
                Console.Error.WriteLine("Praxisschild.Backup: " + String.Join(" | ", Jobs.Keys));
                return 2;
            }
            Directory.CreateDirectory(Native("state"));
            Directory.CreateDirectory(Native("private"));
            Dictionary<string, object> before = ReadJson("state\\" + job + ".json");
            Dictionary<string, object> status = new Dictionary<string, object>
            {
                { "job", job }, { "started", Now() }, { "ended", null }, { "result", "running" },
                { "last_success", Value(before, "last_success") },
            };
            WriteJson("state\\" + job + ".json", status);
            try
            {
                using (Alone())
                    foreach (KeyValuePair<string, object> one in Jobs[job](ReadJson("config.json")))
                        status[one.Key] = one.Value;
                status["result"] = "success";
                status["last_success"] = Now();
            }
            catch (Exception error) // the one place that turns any fault into a result
            {
                status["result"] = "failed";
                status["message"] = error is JobException ? error.Message : error.GetType().Name + ": " + error.Message;
            }
            status["ended"] = Now();
            WriteJson("state\\" + job + ".json", status);
            bool failed = (string)status["result"] == "failed";
            string text = Titles[job] + (failed ? " fehlgeschlagen: " + status["message"] : " erfolgreich");
            Place.Tell(failed ? String.Format("kind=backup host={0} what=\"{1}\"", Environment.MachineName, text.Replace('"', '\'')) : text, failed);
            return failed ? 1 : 0;
        }

        // The jobs

        private static Dictionary<string, object> Daily(Dictionary<string, object> config)
        {
            Connect(config);
            string identity = Open(config);
            Restic(config, null, "unlock"); // only locks of programs that have ended
            Dictionary<string, object> before = TakeSamples(Texts(config, "paths"), Texts(config, "exclude"));
            Dictionary<string, object> summary = Store(config, null, Texts(config, "paths"), Texts(config, "exclude"));
            Dictionary<string, object> same = before.Where(one => Object.Equals(Digest(one.Key), one.Value)).ToDictionary(one => one.Key, one => one.Value);
            WriteJson("private\\samples.json", new Dictionary<string, object> { { "snapshot", summary["snapshot"] }, { "files", same } });
            summary["repository"] = identity;
            summary["target"] = config["target"];
            return summary;
        }

        private static Dictionary<string, object> Medium(Dictionary<string, object> config)
        {
            Dictionary<string, object> wanted = Table(config, "medium");
            string label = (string)wanted["label"];
            string root = Place.Medium(label);
            if (root == null)
                throw new JobException(String.Format("Das Wechselmedium „{0}“ ist nicht angeschlossen oder nicht entsperrt", label));
            string location = Path.Combine(root, "praxisschild-" + config["host"]);
            if (!File.Exists(Path.Combine(location, "config")))
            {
                // media take turns: one that has never been used is prepared, one with remains of a repository is not
                if (Directory.Exists(location) && Directory.EnumerateFileSystemEntries(location).Any())
                    throw new JobException("Das Repository auf dem Wechselmedium ist beschädigt");
                Restic(config, location, "init");
            }
            string identity = Identity(Restic(config, location, "cat", "config"));
            Restic(config, location, "unlock");
            Dictionary<string, object> summary = Store(config, location, Texts(wanted, "paths"), Texts(wanted, "exclude"));
            Restic(config, location, "check");
            summary["repository"] = identity;
            summary["target"] = "medium";
            return summary;
        }

        private static Dictionary<string, object> Check(Dictionary<string, object> config)
        {
            Connect(config);
            string identity = Open(config);
            string share = (string)config["check_subset"];
            Restic(config, null, "check", "--read-data-subset=" + share);
            return new Dictionary<string, object> { { "repository", identity }, { "target", config["target"] }, { "read", share } };
        }

        private static Dictionary<string, object> RestoreTest(Dictionary<string, object> config)
        {
            Connect(config);
            string identity = Open(config);
            Dictionary<string, object> recorded = ReadJson("private\\samples.json");
            Dictionary<string, object> files = Table(recorded, "files");
            if (files.Count == 0)
                throw new JobException("Es gibt noch keine Tagessicherung mit Stichproben");
            string folder = Native("private\\" + Guid.NewGuid().ToString("N").Substring(0, 8));
            Directory.CreateDirectory(folder);
            try
            {
                List<string> words = new List<string> { "restore", (string)recorded["snapshot"], "--target", folder };
                foreach (string path in files.Keys)
                    words.AddRange(new string[] { "--include", Regex.Replace(Place.InSnapshot(path), @"[\\*?\[]", @"\$0") });
                Restic(config, null, words.ToArray());
                int different = files.Count(one => !Object.Equals(DigestOf(folder + Place.InSnapshot(one.Key)), one.Value));
                if (different > 0)
                    throw new JobException(String.Format("{0} von {1} zurückgesicherten Dateien fehlen oder sind verändert", different, files.Count));
            }
            finally
            {
                Directory.Delete(folder, true);
            }
            return new Dictionary<string, object>
            {
                { "repository", identity }, { "target", config["target"] }, { "snapshot", recorded["snapshot"] },
                { "files", files.Count }, { "compared", files.Count },
            };
        }

        /// <summary>The whole server with Windows Server Backup: with it, one that burnt down runs again on other hardware.</summary>
        private static Dictionary<string, object> Image(Dictionary<string, object> config)
        {
            Dictionary<string, object> wanted = Table(config, "image");
            string target = "-backupTarget:" + wanted["target"];
            List<string> words = new List<string> { "start", "backup", target, "-allCritical", "-systemState", "-vssFull", "-quiet" };
            if (Texts(wanted, "volumes").Count > 0)
                words.Insert(3, "-include:" + String.Join(",", Texts(wanted, "volumes")));
            Ended made = Execute(Place.System32 + @"\wbadmin.exe", words, null);
            if (made.Code != 0)
                throw new JobException("wbadmin: " + made.LastWords);
            // the words are localised, a version is always written so
            Ended listed = Execute(Place.System32 + @"\wbadmin.exe", new string[] { "get", "versions", target }, null);
            Match[] versions = Regex.Matches(listed.Output, @"\b\d\d/\d\d/\d{4}-\d\d:\d\d\b").Cast<Match>().ToArray();
            if (versions.Length == 0)
                throw new JobException("wbadmin kennt auf dem Ziel keine Sicherung: " + listed.LastWords);
            return new Dictionary<string, object>
            {
                { "target", "image" }, { "snapshot", versions.Last().Value }, { "volumes", Texts(wanted, "volumes") }, { "drive", wanted["target"] },
            };
        }

        // restic

        private static Ended Attempt(Dictionary<string, object> config, string location, params string[] words)
        {
            string program = (string)config["restic"];
            if (!File.Exists(Place.Native(program)))
                throw new JobException(program + " fehlt: restic dort ablegen, https://restic.net");
            Dictionary<string, string> environment = new Dictionary<string, string>
            {
                { "RESTIC_REPOSITORY", location ?? Place.Native((string)config["repository"]) },
                { "RESTIC_PASSWORD_FILE", Native("password") },
                { "RESTIC_CACHE_DIR", Native("cache") },
            };
            return Execute(program, location == null ? Texts(config, "options").Concat(words) : words, environment);
        }

        private static string Restic(Dictionary<string, object> config, string location, params string[] words)
        {
            Ended ended = Attempt(config, location, words);
            if (ended.Code != 0)
                throw new JobException(String.Format("restic {0}: {1}", words[0], ended.LastWords));
            return ended.Output;
        }

        /// <summary>A repository that has never been there is created, one that has gone is not.</summary>
        private static string Open(Dictionary<string, object> config)
        {
            string location = (string)config["repository"];
            Dictionary<string, object> known = ReadJson("private\\repositories.json");
            Ended found = Attempt(config, null, "cat", "config");
            if (found.Code != 0)
            {
                if (known.ContainsKey(location))
                    throw new JobException("Das bisherige Repository ist nicht lesbar: " + found.LastWords);
                Restic(config, null, "init");
                found = Attempt(config, null, "cat", "config");
            }
            string identity = Identity(found.Output);
            if (known.ContainsKey(location) && (string)known[location] != identity)
                throw new JobException("Unter der Adresse des bisherigen Repositorys liegt ein anderes");
            known[location] = identity;
            WriteJson("private\\repositories.json", known);
            return identity;
        }

        private static string Identity(string output)
        {
            try
            {
                return (string)Json.Deserialize<Dictionary<string, object>>(output)["id"];
            }
            catch (Exception error)
            {
                throw new JobException("Das Repository ist nicht lesbar: " + error.Message);
            }
        }

        private static Dictionary<string, object> Store(Dictionary<string, object> config, string location, List<string> paths, List<string> exclude)
        {
            List<string> there = paths.Where(path => Directory.Exists(Place.Native(path)) || File.Exists(Place.Native(path))).ToList();
            if (there.Count == 0)
                throw new JobException("Nichts zu sichern: " + String.Join(", ", paths) + " gibt es nicht");
            string host = (string)config["host"];
            List<string> words = new List<string> { "backup", "--json", "--host", host, "--tag", Tag };
            if (Place.HasShadowCopies)
                words.Add("--use-fs-snapshot");
            foreach (string pattern in exclude)
                words.AddRange(new string[] { "--iexclude", Place.Native(pattern) });
            words.Add("--");
            words.AddRange(there.Select(Place.Native));
            Ended ended = Attempt(config, location, words.ToArray());
            if (ended.Code == Incomplete) // files that went away meanwhile will not do so again
                ended = Attempt(config, location, words.ToArray());
            string last = ended.Output.Split('\n').LastOrDefault(line => line.Contains("\"summary\""));
            if (last == null || (ended.Code != 0 && ended.Code != Incomplete))
                throw new JobException("restic backup: " + ended.LastWords);
            if (ended.Code != 0)
                throw new JobException("Nicht alle Dateien waren lesbar: " + ended.LastWords);
            Dictionary<string, object> found = Json.Deserialize<Dictionary<string, object>>(last);
            List<string> thin = new List<string> { "forget", "--host", host, "--tag", Tag, "--group-by", "host,tags" };
            foreach (KeyValuePair<string, object> keep in Table(config, "keep"))
                thin.AddRange(new string[] { "--keep-" + keep.Key, Convert.ToString(keep.Value, CultureInfo.InvariantCulture) });
            thin.Add("--prune");
            Restic(config, location, thin.ToArray());
            return new Dictionary<string, object>
            {
                { "snapshot", found["snapshot_id"] }, { "files", found["total_files_processed"] },
                { "bytes", found["total_bytes_processed"] }, { "added_bytes", found["data_added"] }, { "keep", config["keep"] },
            };
        }

        // Samples

        /// <summary>Digests of files picked by chance: from a path downwards until a file comes up.</summary>
        private static Dictionary<string, object> TakeSamples(List<string> paths, List<string> exclude)
        {
            Dictionary<string, object> found = new Dictionary<string, object>();
            List<string> roots = paths.Where(path => Directory.Exists(Place.Native(path))).ToList();
            for (int attempt = 0; attempt < Samples * 10 && roots.Count > 0 && found.Count < Samples; attempt++)
            {
                string path = Stroll(roots[Chance.Next(roots.Count)], exclude);
                string digest = path == null ? null : Digest(path);
                if (digest != null)
                    found[path] = digest;
            }
            return found;
        }

        private static string Stroll(string path, List<string> exclude)
        {
            try
            {
                while (path.Length <= LongestPath && !exclude.Any(pattern => IsExcluded(path, pattern)))
                {
                    string native = Place.Native(path);
                    FileAttributes attributes = File.GetAttributes(native);
                    if ((attributes & (FileAttributes.ReparsePoint | FileAttributes.Offline)) != 0)
                        return null;
                    if ((attributes & FileAttributes.Directory) == 0)
                        return new FileInfo(native).Length <= LargestSample ? path : null;
                    string[] entries = Directory.GetFileSystemEntries(native);
                    if (entries.Length == 0)
                        return null;
                    path = path.TrimEnd('\\') + "\\" + Path.GetFileName(entries[Chance.Next(entries.Length)]);
                }
            }
            catch (IOException)
            {
                // gone meanwhile
            }
            catch (UnauthorizedAccessException)
            {
                // somebody keeps it from SYSTEM, too
            }
            return null;
        }

        /// <summary>Whether restic leaves it out: a pattern without a folder anywhere, one with a drive only there.</summary>
        public static bool IsExcluded(string path, string pattern)
        {
            string form = Regex.Escape(pattern.Replace('/', '\\')).Replace(@"\*\*", ".*").Replace(@"\*", @"[^\\]*").Replace(@"\?", @"[^\\]");
            string start = pattern.Length > 1 && pattern[1] == ':' ? "^" : @"(^|\\)";
            return Regex.IsMatch(path, start + form + @"(\\|$)", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant);
        }

        private static string Digest(string path)
        {
            return DigestOf(Place.Native(path));
        }

        private static string DigestOf(string native)
        {
            try
            {
                using (FileStream file = new FileStream(native, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete))
                using (SHA256 algorithm = SHA256.Create())
                    return BitConverter.ToString(algorithm.ComputeHash(file)).Replace("-", "").ToLowerInvariant();
            }
            catch (IOException)
            {
                return null;
            }
            catch (UnauthorizedAccessException)
            {
                return null;
            }
        }

        // The system around it

        private static Ended Execute(string program, IEnumerable<string> words, Dictionary<string, string> environment)
        {
            ProcessStartInfo start = Place.Start(Place.Native(program), words);
            start.UseShellExecute = false;
            start.CreateNoWindow = true;
            start.RedirectStandardInput = start.RedirectStandardOutput = start.RedirectStandardError = true;
            if (environment != null)
            {
                start.StandardOutputEncoding = start.StandardErrorEncoding = new UTF8Encoding(false);
                foreach (KeyValuePair<string, string> one in environment)
                    start.EnvironmentVariables[one.Key] = one.Value;
            }
            StringBuilder output = new StringBuilder();
            StringBuilder errors = new StringBuilder();
            using (Process process = new Process { StartInfo = start })
            {
                process.OutputDataReceived += (sender, received) => output.Append(received.Data).Append('\n');
                process.ErrorDataReceived += (sender, received) => errors.Append(received.Data).Append('\n');
                try
                {
                    process.Start();
                }
                catch (Win32Exception error)
                {
                    throw new JobException(program + " lässt sich nicht starten: " + error.Message);
                }
                process.StandardInput.Close();
                process.BeginOutputReadLine();
                process.BeginErrorReadLine();
                process.WaitForExit();
                return new Ended { Code = process.ExitCode, Output = output.ToString(), Errors = errors.ToString() };
            }
        }

        /// <summary>One job after the other.</summary>
        private static FileStream Alone()
        {
            for (int seconds = 0; ; seconds++)
            {
                try
                {
                    return new FileStream(Native("private\\lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
                }
                catch (IOException)
                {
                    if (seconds > 6 * 3600)
                        throw new JobException("Ein anderer Lauf der Sicherung endet seit sechs Stunden nicht");
                    Thread.Sleep(1000);
                }
            }
        }

        /// <summary>SYSTEM is nobody at another computer: it shows the account that the practice made for the backup.</summary>
        private static void Connect(Dictionary<string, object> config)
        {
            Dictionary<string, object> share = Table(config, "share");
            if (share.Count == 0)
                return;
            string password = File.ReadAllText(Native("share_password"), Encoding.UTF8).TrimEnd('\r', '\n');
            int code = Share.Connect((string)share["path"], (string)share["user"], password);
            if (code != 0)
                throw new JobException(String.Format("{0} lässt {1} nicht herein: {2}", share["path"], share["user"], new Win32Exception(code).Message));
        }

        private static string Native(string name)
        {
            return Place.Native(Place.Home + "\\" + name);
        }

        private static string Now()
        {
            return DateTime.UtcNow.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
        }

        private static object Value(Dictionary<string, object> table, string key)
        {
            object found;
            return table.TryGetValue(key, out found) ? found : null;
        }

        private static Dictionary<string, object> Table(Dictionary<string, object> table, string key)
        {
            return Value(table, key) as Dictionary<string, object> ?? new Dictionary<string, object>();
        }

        private static List<string> Texts(Dictionary<string, object> table, string key)
        {
            IEnumerable found = Value(table, key) as IEnumerable;
            return found == null ? new List<string>() : found.Cast<string>().ToList();
        }

        private static Dictionary<string, object> ReadJson(string name)
        {
            string file = Native(name);
            try
            {
                if (File.Exists(file))
                    return Json.Deserialize<Dictionary<string, object>>(File.ReadAllText(file, Encoding.UTF8)) ?? new Dictionary<string, object>();
            }
            catch (ArgumentException)
            {
                // half of a file, of a computer that was switched off
            }
            return new Dictionary<string, object>();
        }

        private static void WriteJson(string name, Dictionary<string, object> content)
        {
            string file = Native(name);
            File.WriteAllText(file + ".new", Json.Serialize(content), new UTF8Encoding(false));
            if (File.Exists(file))
                File.Delete(file);
            File.Move(file + ".new", file);
        }
    }

    /// <summary>A network share under another account; with `net use` the password would stand in the list of processes.</summary>
    public static class Share
    {
        private const int AlreadyConnected = 1219; // under an account that was let in before

        [StructLayout(LayoutKind.Sequential, CharSet = CharSet.Unicode)]
        private struct Resource
        {
            public int Scope;
            public int Type;
            public int DisplayType;
            public int Usage;
            public string LocalName;
            public string RemoteName;
            public string Comment;
            public string Provider;
        }

        [DllImport("mpr.dll", CharSet = CharSet.Unicode)]
        private static extern int WNetAddConnection2(ref Resource resource, string password, string user, int flags);

        public static int Connect(string path, string user, string password)
        {
            Resource resource = new Resource { Type = 1, RemoteName = path };
            int code = WNetAddConnection2(ref resource, password, user, 4); // 4: for this process only
            return code == AlreadyConnected ? 0 : code;
        }
    }
}
