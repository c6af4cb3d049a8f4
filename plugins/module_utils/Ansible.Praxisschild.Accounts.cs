// Copyright: Praxisschild contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

using System;
using System.Collections.Generic;
using System.ComponentModel;
using System.Runtime.InteropServices;
using System.Security.Principal;
using Ansible.Praxisschild.Windows;

namespace Ansible.Praxisschild.Accounts
{
    public class LocalAccount
    {
        public string Sid;
        public string Name;
        public bool Enabled;
        public bool Locked;
        public bool PasswordRequired;
        public bool PasswordExpires;
        public DateTime? LastLogon; // UTC
    }

    /// <summary>Local accounts, and who is in which local group, by SID.</summary>
    public interface IAccounts
    {
        List<LocalAccount> Users();

        /// <summary>SID of each local group, and of its direct members, also of such that nobody can name any more.</summary>
        Dictionary<string, List<string>> Groups();
    }

    /// <summary>Where the snapshot asks. A stand-in for Windows puts its own here.</summary>
    public static class AccountSource
    {
        public static IAccounts Current = new WindowsAccounts();
    }

    /// <summary>Source: lmaccess.h and lmcons.h, NetUserEnum, NetLocalGroupEnum, NetLocalGroupGetMembers.</summary>
    public class WindowsAccounts : IAccounts
    {
        private const int NormalAccounts = 2; // FILTER_NORMAL_ACCOUNT
        private const int Disabled = 0x2, LockedOut = 0x10, PasswordNotRequired = 0x20, PasswordNeverExpires = 0x10000;
        private static readonly DateTime Epoch = new DateTime(1970, 1, 1, 0, 0, 0, DateTimeKind.Utc);

        [StructLayout(LayoutKind.Sequential, CharSet = CharSet.Unicode)]
        private struct UserInfo3
        {
            public string Name;
            public IntPtr Password;
            public int PasswordAge;
            public int Privilege;
            public IntPtr HomeDirectory;
            public IntPtr Comment;
            public int Flags;
            public IntPtr ScriptPath;
            public int AuthenticationFlags;
            public IntPtr FullName;
            public IntPtr UserComment;
            public IntPtr Parameters;
            public IntPtr Workstations;
            public uint LastLogon; // seconds since 1970, 0: never
            public uint LastLogoff;
            public uint AccountExpires;
            public uint MaxStorage;
            public uint UnitsPerWeek;
            public IntPtr LogonHours;
            public uint BadPasswordCount;
            public uint NumberOfLogons;
            public IntPtr LogonServer;
            public uint CountryCode;
            public uint CodePage;
            public uint UserId;
            public uint PrimaryGroupId;
            public IntPtr Profile;
            public IntPtr HomeDirectoryDrive;
            public uint PasswordExpired;
        }

        [DllImport("netapi32.dll", CharSet = CharSet.Unicode)]
        private static extern int NetUserEnum(string server, int level, int filter, out IntPtr buffer, int length, out int read, out int total, IntPtr resume);

        [DllImport("netapi32.dll", CharSet = CharSet.Unicode)]
        private static extern int NetLocalGroupEnum(string server, int level, out IntPtr buffer, int length, out int read, out int total, IntPtr resume);

        [DllImport("netapi32.dll", CharSet = CharSet.Unicode)]
        private static extern int NetLocalGroupGetMembers(string server, string group, int level, out IntPtr buffer, int length, out int read, out int total, IntPtr resume);

        [DllImport("netapi32.dll")]
        private static extern int NetApiBufferFree(IntPtr buffer);

        private delegate int Call(out IntPtr buffer, out int read, out int total);

        public List<LocalAccount> Users()
        {
            List<LocalAccount> users = new List<LocalAccount>();
            foreach (UserInfo3 user in All((out IntPtr buffer, out int read, out int total) =>
                NetUserEnum(null, 3, NormalAccounts, out buffer, -1, out read, out total, IntPtr.Zero), typeof(UserInfo3), at => (UserInfo3)Marshal.PtrToStructure(at, typeof(UserInfo3))))
                users.Add(new LocalAccount
                {
                    Name = user.Name,
                    Sid = World.Machine.SidOf(Environment.MachineName + "\\" + user.Name) ?? World.Machine.SidOf(user.Name),
                    Enabled = (user.Flags & Disabled) == 0,
                    Locked = (user.Flags & LockedOut) != 0,
                    PasswordRequired = (user.Flags & PasswordNotRequired) == 0,
                    PasswordExpires = (user.Flags & PasswordNeverExpires) == 0,
                    LastLogon = user.LastLogon == 0 ? (DateTime?)null : Epoch.AddSeconds(user.LastLogon),
                });
            return users;
        }

        public Dictionary<string, List<string>> Groups()
        {
            Dictionary<string, List<string>> groups = new Dictionary<string, List<string>>();
            foreach (string name in All((out IntPtr buffer, out int read, out int total) =>
                NetLocalGroupEnum(null, 0, out buffer, -1, out read, out total, IntPtr.Zero), typeof(IntPtr), at => Marshal.PtrToStringUni(Marshal.ReadIntPtr(at))))
            {
                string sid = World.Machine.SidOf(name);
                if (sid == null)
                    continue;
                string group = name;
                groups[sid] = All((out IntPtr buffer, out int read, out int total) =>
                    NetLocalGroupGetMembers(null, group, 0, out buffer, -1, out read, out total, IntPtr.Zero), typeof(IntPtr),
                    at => new SecurityIdentifier(Marshal.ReadIntPtr(at)).Value);
            }
            return groups;
        }

        private static List<T> All<T>(Call call, Type layout, Func<IntPtr, T> read)
        {
            IntPtr buffer;
            int count, total;
            int code = call(out buffer, out count, out total);
            try
            {
                if (code != 0)
                    throw new Win32Exception(code);
                List<T> found = new List<T>();
                for (int number = 0; number < count; number++)
                    found.Add(read(new IntPtr(buffer.ToInt64() + number * Marshal.SizeOf(layout))));
                return found;
            }
            finally
            {
                if (buffer != IntPtr.Zero)
                    NetApiBufferFree(buffer);
            }
        }
    }
}
