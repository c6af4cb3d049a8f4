// Copyright: Praxisschild contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

using System;
using System.Collections.Generic;
using System.ComponentModel;
using System.Linq;
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
        public int Flags; // UF_… of lmaccess.h
    }

    /// <summary>Local accounts, and who is in which local group, by SID.</summary>
    public interface IAccounts
    {
        List<LocalAccount> Users();

        /// <summary>SID of each local group, and of its direct members, also of such that nobody can name any more.</summary>
        Dictionary<string, List<string>> Groups();

        /// <summary>Name of a group here, in the language of this Windows; null if there is none with this SID.</summary>
        string GroupName(string sid);

        void Switch(LocalAccount account, bool on);

        void AddMember(string groupSid, string sid);

        void RemoveMember(string groupSid, string sid);
    }

    public static class Administration
    {
        public const string Administrators = "S-1-5-32-544";

        /// <summary>Why an account must stay open; null if nobody is locked out without it.</summary>
        public static string WhyNotDisable(LocalAccount account)
        {
            if (World.Machine.OwnSids().Contains(account.Sid))
                return "this is the account of the connection; nobody could undo it from here";
            List<string> members;
            if (!AccountSource.Current.Groups().TryGetValue(Administrators, out members) || !members.Contains(account.Sid))
                return null;
            bool others = AccountSource.Current.Users().Any(one => one.Enabled && one.Sid != account.Sid && members.Contains(one.Sid));
            return others ? null : "this is the only administrator of this host that can log in; make another one first";
        }
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

        [DllImport("netapi32.dll", CharSet = CharSet.Unicode)]
        private static extern int NetUserSetInfo(string server, string user, int level, ref int flags, out int position);

        [DllImport("netapi32.dll", CharSet = CharSet.Unicode)]
        private static extern int NetLocalGroupAddMembers(string server, string group, int level, ref IntPtr sid, int count);

        [DllImport("netapi32.dll", CharSet = CharSet.Unicode)]
        private static extern int NetLocalGroupDelMembers(string server, string group, int level, ref IntPtr sid, int count);

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
                    Flags = user.Flags,
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

        public string GroupName(string sid)
        {
            try
            {
                string full = new SecurityIdentifier(sid).Translate(typeof(NTAccount)).Value;
                return full.Substring(full.LastIndexOf('\\') + 1);
            }
            catch (IdentityNotMappedException)
            {
                return null;
            }
        }

        public void Switch(LocalAccount account, bool on)
        {
            const int level = 1008; // USER_INFO_1008: the flags alone
            int flags = on ? account.Flags & ~Disabled : account.Flags | Disabled, position;
            Refuse(NetUserSetInfo(null, account.Name, level, ref flags, out position));
        }

        public void AddMember(string groupSid, string sid)
        {
            Member(sid, at => NetLocalGroupAddMembers(null, GroupName(groupSid), 0, ref at, 1));
        }

        public void RemoveMember(string groupSid, string sid)
        {
            Member(sid, at => NetLocalGroupDelMembers(null, GroupName(groupSid), 0, ref at, 1));
        }

        /// <summary>LOCALGROUP_MEMBERS_INFO_0 is a pointer to the SID: works for accounts that nobody can name any more.</summary>
        private static void Member(string sid, Func<IntPtr, int> change)
        {
            SecurityIdentifier identifier = new SecurityIdentifier(sid);
            byte[] bytes = new byte[identifier.BinaryLength];
            identifier.GetBinaryForm(bytes, 0);
            IntPtr buffer = Marshal.AllocHGlobal(bytes.Length);
            try
            {
                Marshal.Copy(bytes, 0, buffer, bytes.Length);
                Refuse(change(buffer));
            }
            finally
            {
                Marshal.FreeHGlobal(buffer);
            }
        }

        private static void Refuse(int code)
        {
            if (code != 0)
                throw new BatchException(String.Format("Windows refused it with {0}: {1}", code, new Win32Exception(code).Message));
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
