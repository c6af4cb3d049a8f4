// Types of System.Management.Automation that Ansible.Basic.cs names. Without a runspace it takes its path for plain
// .NET programs, and none of these does anything.
using System;
using System.Collections.ObjectModel;

namespace System.Management.Automation
{
    public class PSObject
    {
        public object BaseObject;
        public PSObject(object wrapped) { BaseObject = wrapped; }
        public static PSObject AsPSObject(object wrapped) { return new PSObject(wrapped); }
    }

    public class CategoryInfo { }

    public class InvocationInfo { public string PositionMessage; }

    public class ErrorRecord
    {
        public Exception Exception;
        public CategoryInfo CategoryInfo;
        public InvocationInfo InvocationInfo;
        public string FullyQualifiedErrorId;
        public string ScriptStackTrace;
    }

    public class ScriptBlock
    {
        public static ScriptBlock Create(string text) { return new ScriptBlock(); }

        public Collection<PSObject> Invoke(params object[] arguments)
        {
            throw new NotSupportedException("NICHT NACHGEBILDET: PowerShell");
        }
    }
}

namespace System.Management.Automation.Runspaces
{
    public class Runspace { public static Runspace DefaultRunspace { get { return null; } } }
}
