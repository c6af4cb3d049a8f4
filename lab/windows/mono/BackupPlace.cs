// The backup program's surroundings on a stand-in host: drives are folders, restic is this machine's.
using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using Praxisschild;

public class StandInPlace : Place
{
    private readonly string host = Environment.GetEnvironmentVariable("PRAXISSCHILD_WINDOWS_STATE");

    public override string Home { get { return @"C:\ProgramData\Praxisschild\backup"; } }

    public override string System32 { get { return @"C:\Windows\System32"; } }

    public override bool HasShadowCopies { get { return false; } }

    public override string Native(string path)
    {
        if (path.Length < 3 || path[1] != ':')
            return path;
        if (path.StartsWith(System32, StringComparison.OrdinalIgnoreCase))
            return Path.Combine(host, "System32", path.Substring(System32.Length + 1));
        return Path.Combine(host, "drives", path.Substring(0, 1).ToLowerInvariant(), path.Substring(3).Replace('\\', '/'));
    }

    public override string InSnapshot(string path)
    {
        return Native(path);
    }

    /// <summary>A drive that is plugged in has its name in a file.</summary>
    public override string Medium(string label)
    {
        return Directory.GetDirectories(Path.Combine(host, "drives")).FirstOrDefault(drive => File.Exists(Path.Combine(drive, ".name"))
            && File.ReadAllText(Path.Combine(drive, ".name")).Trim() == label);
    }

    public override ProcessStartInfo Start(string program, IEnumerable<string> arguments)
    {
        // mono splits the line as a Unix shell would
        return new ProcessStartInfo(program, String.Join(" ", arguments.Select(one => "'" + one.Replace("'", "'\\''") + "'")));
    }

    public override void Tell(string text, bool failed)
    {
        File.AppendAllText(Path.Combine(host, "tmp", "events.log"), (failed ? "2 " : "1 ") + text + "\n");
    }
}

static class BackupDriver
{
    static int Main(string[] words)
    {
        Backup.Place = new StandInPlace();
        return Backup.Run(words[0]);
    }
}
