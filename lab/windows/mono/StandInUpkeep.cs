// What Windows Update says on a stand-in host.
using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using Ansible.Praxisschild.Upkeep;

public class StandInUpkeep : IUpdateAgent
{
    public static void Install()
    {
        UpdateSource.Current = new StandInUpkeep();
    }

    private static IDictionary<string, object> State { get { return StandIn.Section("updates"); } }

    public DateTime? LastSearch()
    {
        return DateTime.UtcNow.AddHours(-(int)State["search_age_hours"]);
    }

    public DateTime? LastInstallation()
    {
        return DateTime.ParseExact((string)State["last_installed"], "yyyy-MM-dd", CultureInfo.InvariantCulture,
            DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal);
    }

    public List<PendingUpdate> Pending()
    {
        return ((IDictionary<string, object>)State["pending"]).Select(one => new { Article = one.Key, Of = (IDictionary<string, object>)one.Value })
            .Select(one => new PendingUpdate
            {
                Article = one.Article, Severity = (string)one.Of["severity"], Security = (bool)one.Of["security"], Published = DateTime.UtcNow.AddDays(-(int)one.Of["age_days"]),
            }).ToList();
    }
}
