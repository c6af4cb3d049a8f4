// Local accounts and groups of a stand-in host.
using System;
using System.Collections;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using Ansible.Praxisschild.Accounts;
using Ansible.Praxisschild.Windows;

public class StandInAccounts : IAccounts
{
    public static void Install()
    {
        AccountSource.Current = new StandInAccounts();
    }

    public List<LocalAccount> Users()
    {
        return StandIn.Section("users").Select(one => new { Name = one.Key, Of = (IDictionary<string, object>)one.Value }).Select(user => new LocalAccount
        {
            Name = user.Name,
            Sid = (string)user.Of["sid"],
            Enabled = (bool)user.Of["enabled"],
            Locked = (bool)user.Of["locked"],
            PasswordRequired = (bool)user.Of["password_required"],
            PasswordExpires = (bool)user.Of["password_expires"],
            LastLogon = Day((string)user.Of["last_logon"]),
        }).ToList();
    }

    private static DateTime? Day(string text)
    {
        return text == "" ? (DateTime?)null
            : DateTime.ParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal);
    }

    public Dictionary<string, List<string>> Groups()
    {
        return StandIn.Section("groups").Values.Cast<IDictionary<string, object>>()
            .ToDictionary(group => (string)group["sid"], group => ((IEnumerable)group["members"]).Cast<string>().ToList());
    }

    public string GroupName(string sid)
    {
        return StandIn.Section("groups").Where(one => (string)((IDictionary<string, object>)one.Value)["sid"] == sid).Select(one => one.Key).FirstOrDefault();
    }

    public void Switch(LocalAccount account, bool on)
    {
        Net("user", account.Name, on ? "/active:yes" : "/active:no");
    }

    public void AddMember(string groupSid, string sid)
    {
        Net("localgroup", GroupName(groupSid), sid, "/add");
    }

    public void RemoveMember(string groupSid, string sid)
    {
        Net("localgroup", GroupName(groupSid), sid, "/delete");
    }

    private static void Net(params string[] arguments)
    {
        Ran ran = World.Machine.Run("net.exe", arguments);
        if (ran.Code != 0)
            throw new BatchException("Windows refused it with " + ran.Code + ": " + ran.Words);
    }
}
