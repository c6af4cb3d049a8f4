// Copyright: Praxisschild contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

using Microsoft.Win32;
using System;
using System.Collections.Generic;
using System.ComponentModel;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Security.Principal;
using System.Text;

namespace Ansible.Praxisschild.Windows
{
    /// <summary>A mistake or a refusal that a technician can act on: shown as it is, without a trace.</summary>
    public class BatchException : Exception
    {
        public BatchException(string message) : base(message) { }
    }

    /// <summary>How a program ended and what it said. Its words are localised: shown to people, never interpreted.</summary>
    public class Ran
    {
        public int Code;
        public string Output;

        public Ran(int code, string output)
        {
            Code = code;
            Output = output;
        }

        public string Words
        {
            get
            {
                string[] lines = Output.Split('\r', '\n').Select(line => line.Trim()).Where(line => line != "").ToArray();
                string words = String.Join(" ", lines);
                return words.Length > 300 ? words.Substring(0, 300) + "…" : words;
            }
        }
    }

    /// <summary>What the batches need of the operating system, apart from its registry.</summary>
    public interface IMachine
    {
        /// <summary>A path of Windows as the file system of this process knows it.</summary>
        string Native(string path);

        /// <summary>Run a program of System32 to its end.</summary>
        Ran Run(string program, params string[] arguments);

        /// <summary>The SID of an account or group; null if nobody has the name.</summary>
        string SidOf(string account);

        /// <summary>SIDs in the token of the account that applies the settings: itself and its groups.</summary>
        ISet<string> OwnSids();

        /// <summary>Scheduled tasks with their folders, as in \Microsoft\Windows\Defrag\ScheduledDefrag.</summary>
        string[] TaskNames();
    }

    /// <summary>The registry. Hives are HKLM and HKU; views are 64 and 32.</summary>
    public interface IRegistry
    {
        bool KeyExists(string hive, string view, string key);

        /// <summary>Null if the value or its key does not exist.</summary>
        RegistryData Read(string hive, string view, string key, string name);

        void Write(string hive, string view, string key, string name, RegistryData data);

        void CreateKey(string hive, string view, string key);

        void DeleteValue(string hive, string view, string key, string name);

        void DeleteTree(string hive, string view, string key);

        /// <summary>Empty if the key does not exist.</summary>
        string[] SubKeys(string hive, string view, string key);

        /// <summary>Empty if the key does not exist.</summary>
        string[] ValueNames(string hive, string view, string key);
    }

    /// <summary>A value with its type: int, long, string, string[] or byte[] as .NET keeps them.</summary>
    public class RegistryData
    {
        public readonly RegistryValueKind Kind;
        public readonly object Value;

        public RegistryData(RegistryValueKind kind, object value)
        {
            Kind = kind;
            Value = value;
        }

        public bool SameAs(RegistryData other)
        {
            if (other == null || other.Kind != Kind)
                return false;
            string[] texts = Value as string[];
            if (texts != null)
                return other.Value is string[] && texts.SequenceEqual((string[])other.Value, StringComparer.Ordinal);
            byte[] bytes = Value as byte[];
            if (bytes != null)
                return other.Value is byte[] && bytes.SequenceEqual((byte[])other.Value);
            return Object.Equals(Value, other.Value);
        }
    }

    /// <summary>Where the batches find machine and registry. A stand-in for Windows puts its own here.</summary>
    public static class World
    {
        public static IMachine Machine = new WindowsMachine();
        public static IRegistry Registry = new WindowsRegistry();

        public static string SystemRoot { get { return Folder("SystemRoot", @"C:\Windows"); } }

        public static string ProgramData { get { return Folder("ProgramData", @"C:\ProgramData"); } }

        /// <summary>A 32-bit process sees the 32-bit programs under the name of the 64-bit ones.</summary>
        public static string System32
        {
            get { return SystemRoot + (Environment.Is64BitOperatingSystem && !Environment.Is64BitProcess ? @"\Sysnative" : @"\System32"); }
        }

        private static string Folder(string variable, string otherwise)
        {
            string found = Environment.GetEnvironmentVariable(variable);
            return String.IsNullOrEmpty(found) ? otherwise : found.TrimEnd('\\');
        }

        public static bool FileExists(string path)
        {
            return File.Exists(Machine.Native(path));
        }

        /// <summary>Text of a file that a program of Windows wrote, whichever encoding it chose.</summary>
        public static string ReadText(string nativePath)
        {
            return Decode(File.ReadAllBytes(nativePath));
        }

        public static string Decode(byte[] bytes)
        {
            if (StartsWith(bytes, 0xFF, 0xFE))
                return Encoding.Unicode.GetString(bytes, 2, bytes.Length - 2);
            if (StartsWith(bytes, 0xFE, 0xFF))
                return Encoding.BigEndianUnicode.GetString(bytes, 2, bytes.Length - 2);
            if (StartsWith(bytes, 0xEF, 0xBB, 0xBF))
                return Encoding.UTF8.GetString(bytes, 3, bytes.Length - 3);
            if (bytes.Length > 1 && bytes[0] != 0 && bytes[1] == 0)
                return Encoding.Unicode.GetString(bytes);
            try
            {
                return new UTF8Encoding(false, true).GetString(bytes);
            }
            catch (DecoderFallbackException)
            {
                return Encoding.Default.GetString(bytes);
            }
        }

        private static bool StartsWith(byte[] bytes, params byte[] start)
        {
            return bytes.Take(start.Length).SequenceEqual(start);
        }
    }

    public class WindowsMachine : IMachine
    {
        private const int Minutes = 20; // an optional feature can take long; a program that hangs must not keep the host

        public virtual string Native(string path)
        {
            return path;
        }

        public virtual Ran Run(string program, params string[] arguments)
        {
            return Start(program, new ProcessStartInfo(World.System32 + "\\" + program, CommandLine(arguments)));
        }

        protected static Ran Start(string program, ProcessStartInfo start)
        {
            start.UseShellExecute = false;
            start.CreateNoWindow = true;
            start.RedirectStandardInput = true;
            start.RedirectStandardOutput = true;
            start.RedirectStandardError = true;
            StringBuilder output = new StringBuilder();
            DataReceivedEventHandler receive = (sender, received) =>
            {
                lock (output)
                    output.Append(received.Data).Append('\n');
            };
            using (Process process = new Process())
            {
                process.StartInfo = start;
                process.OutputDataReceived += receive;
                process.ErrorDataReceived += receive;
                try
                {
                    process.Start();
                }
                catch (Win32Exception error)
                {
                    throw new BatchException(String.Format("{0} could not be started ({1}); is {2} there, and allowed to run?",
                        program, error.NativeErrorCode, start.FileName));
                }
                process.StandardInput.Close(); // a program that asks something gets no answer instead of waiting for one
                process.BeginOutputReadLine();
                process.BeginErrorReadLine();
                if (!process.WaitForExit(Minutes * 60000))
                {
                    process.Kill();
                    throw new BatchException(String.Format("{0} did not end within {1} minutes and was stopped", program, Minutes));
                }
                process.WaitForExit(); // until the output has arrived too
                return new Ran(process.ExitCode, output.ToString());
            }
        }

        /// <summary>Arguments as one line, quoted as the C runtime of Windows reads it.</summary>
        public static string CommandLine(string[] arguments)
        {
            return String.Join(" ", arguments.Select(Quote));
        }

        private static string Quote(string argument)
        {
            if (argument != "" && argument.IndexOfAny(new char[] { ' ', '\t', '\n', '\v', '"' }) < 0)
                return argument;
            StringBuilder quoted = new StringBuilder("\"");
            int backslashes = 0;
            foreach (char one in argument)
            {
                if (one == '\\')
                {
                    backslashes++;
                    continue;
                }
                // backslashes count only before a quotation mark
                quoted.Append('\\', one == '"' ? 2 * backslashes + 1 : backslashes).Append(one);
                backslashes = 0;
            }
            return quoted.Append('\\', 2 * backslashes).Append('"').ToString();
        }

        public virtual string SidOf(string account)
        {
            try
            {
                return new NTAccount(account).Translate(typeof(SecurityIdentifier)).Value;
            }
            catch (IdentityNotMappedException)
            {
                return null;
            }
        }

        public virtual ISet<string> OwnSids()
        {
            using (WindowsIdentity own = WindowsIdentity.GetCurrent())
            {
                HashSet<string> sids = new HashSet<string> { own.User.Value };
                foreach (IdentityReference group in own.Groups)
                    sids.Add(group.Translate(typeof(SecurityIdentifier)).Value);
                return sids;
            }
        }

        public virtual string[] TaskNames()
        {
            string folder = World.System32 + @"\Tasks";
            return Directory.GetFiles(folder, "*", SearchOption.AllDirectories).Select(file => file.Substring(folder.Length)).ToArray();
        }
    }

    public class WindowsRegistry : IRegistry
    {
        protected virtual RegistryKey Base(string hive, string view)
        {
            return RegistryKey.OpenBaseKey(hive == "HKLM" ? RegistryHive.LocalMachine : RegistryHive.Users,
                view == "32" ? RegistryView.Registry32 : RegistryView.Registry64);
        }

        protected RegistryKey Open(string hive, string view, string key, bool writable)
        {
            using (RegistryKey root = Base(hive, view))
                return root.OpenSubKey(key, writable);
        }

        public virtual bool KeyExists(string hive, string view, string key)
        {
            using (RegistryKey open = Open(hive, view, key, false))
                return open != null;
        }

        public virtual RegistryData Read(string hive, string view, string key, string name)
        {
            using (RegistryKey open = Open(hive, view, key, false))
            {
                object value = open == null ? null : open.GetValue(name, null, RegistryValueOptions.DoNotExpandEnvironmentNames);
                return value == null ? null : new RegistryData(open.GetValueKind(name), value);
            }
        }

        public virtual void Write(string hive, string view, string key, string name, RegistryData data)
        {
            using (RegistryKey root = Base(hive, view))
            using (RegistryKey open = root.CreateSubKey(key))
                open.SetValue(name, data.Value, data.Kind);
        }

        public virtual void CreateKey(string hive, string view, string key)
        {
            using (RegistryKey root = Base(hive, view))
                root.CreateSubKey(key).Close();
        }

        public virtual void DeleteValue(string hive, string view, string key, string name)
        {
            using (RegistryKey open = Open(hive, view, key, true))
                if (open != null)
                    open.DeleteValue(name, false);
        }

        public virtual void DeleteTree(string hive, string view, string key)
        {
            using (RegistryKey root = Base(hive, view))
                root.DeleteSubKeyTree(key, false);
        }

        public virtual string[] SubKeys(string hive, string view, string key)
        {
            using (RegistryKey open = Open(hive, view, key, false))
                return open == null ? new string[0] : open.GetSubKeyNames();
        }

        public virtual string[] ValueNames(string hive, string view, string key)
        {
            using (RegistryKey open = Open(hive, view, key, false))
                return open == null ? new string[0] : open.GetValueNames();
        }
    }
}
