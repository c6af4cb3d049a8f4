// Carries out the statements of a shim (shim.py) by reflection, as PowerShell would: names without regard to case,
// keys of dictionaries as properties. Anything that PowerShell would convert on the way is refused instead.
using System;
using System.Collections;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Text;
using Ansible.Basic;

static class Driver
{
    const BindingFlags Any = BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static | BindingFlags.IgnoreCase;
    static readonly Dictionary<string, object> variables =
        new Dictionary<string, object>(StringComparer.OrdinalIgnoreCase);

    class Ended : Exception
    {
        public readonly int Code;
        public Ended(int code) { Code = code; }
    }

    static int Main(string[] argv)
    {
        Console.SetOut(new StreamWriter(Console.OpenStandardOutput(), new UTF8Encoding(false)) { AutoFlush = true });
        Type standIn = Assembly.GetExecutingAssembly().GetType("StandIn");
        if (standIn != null)
            standIn.GetMethod("Install").Invoke(null, null);
        if (argv.Length == 2)
            return CarryOut(argv[0], argv[1]);
        Serve();
        return 0;
    }

    // Stays for many calls: a line with two paths in, a line with code and output out. For what keeps nothing between calls.
    static void Serve()
    {
        var output = new List<string>();
        AnsibleModule.WriteLine = line => output.Add(line);
        AnsibleModule.Exit = code => { throw new Ended(code); };
        TextWriter answers = Console.Out;
        string request;
        while ((request = Console.In.ReadLine()) != null)
        {
            string[] paths = request.Split('\t');
            variables.Clear();
            output.Clear();
            var said = new StringWriter();
            Console.SetOut(said);
            int code = CarryOut(paths[0], paths[1]);
            answers.WriteLine(AnsibleModule.ToJson(new Dictionary<string, object>
            {
                { "code", code },
                { "output", String.Join("\n", output) + said },
            }));
        }
    }

    static int CarryOut(string planPath, string argumentsPath)
    {
        variables["args"] = new string[] { argumentsPath };
        try
        {
            var plan = AnsibleModule.FromJson<Dictionary<string, object>>(File.ReadAllText(planPath));
            foreach (object statement in (IEnumerable)plan["statements"])
                Carry((IDictionary)statement);
            return 0;
        }
        catch (Exception thrown)
        {
            Exception cause = thrown;
            while (cause is TargetInvocationException && cause.InnerException != null)
                cause = cause.InnerException;
            var ended = cause as Ended;
            if (ended != null)
                return ended.Code;
            Console.WriteLine(AnsibleModule.ToJson(new Dictionary<string, object>
            {
                { "failed", true },
                { "msg", "Unhandled exception while executing module: " + cause.Message },
                { "exception", cause.ToString() },
            }));
            return 1;
        }
    }

    static void Carry(IDictionary statement)
    {
        if (statement.Contains("do"))
            Value(statement["do"]);
        else if (statement.Contains("set"))
            Assign(Strings(statement["set"]), Value(statement["to"]));
    }

    static void Assign(string[] path, object value)
    {
        if (path.Length == 1)
        {
            variables[path[0]] = value;
            return;
        }
        object owner = Get(path.Take(path.Length - 1).ToArray());
        string name = path[path.Length - 1];
        var table = owner as IDictionary;
        if (table != null)
        {
            table[name] = value;
            return;
        }
        PropertyInfo property = owner.GetType().GetProperty(name, Any);
        if (property != null)
            property.SetValue(owner, value, null);
        else
            owner.GetType().GetField(name, Any).SetValue(owner, value);
    }

    static object Value(object node)
    {
        var found = (IDictionary)node;
        if (found.Contains("value"))
            return found["value"];
        if (found.Contains("list"))
            return ((IEnumerable)found["list"]).Cast<object>().Select(Value).ToArray();
        if (found.Contains("table"))
        {
            var table = new Hashtable(StringComparer.OrdinalIgnoreCase);
            foreach (DictionaryEntry entry in (IDictionary)found["table"])
                table[entry.Key] = Value(entry.Value);
            return table;
        }
        if (found.Contains("get"))
            return Get(Strings(found["get"]));
        if (found.Contains("member"))
            return Shared(Find((string)found["static"]), (string)found["member"]);
        object[] arguments = ((IEnumerable)found["arguments"]).Cast<object>().Select(Value).ToArray();
        if (found.Contains("static"))
            return Call(Find((string)found["static"]), null, (string)found["method"], arguments);
        object owner = Get(Strings(found["of"]));
        return Call(owner.GetType(), owner, (string)found["method"], arguments);
    }

    static object Get(string[] path)
    {
        object current;
        if (!variables.TryGetValue(path[0], out current))
            throw new InvalidOperationException("NICHT NACHGEBILDET: die Variable $" + path[0]);
        foreach (string name in path.Skip(1))
            current = Member(current, name);
        return current;
    }

    static object Member(object owner, string name)
    {
        if (owner == null)
            return null;
        var table = owner as IDictionary;
        if (table != null)
        {
            foreach (DictionaryEntry entry in table)
                if (String.Equals(entry.Key as string, name, StringComparison.OrdinalIgnoreCase))
                    return entry.Value;
            return null;
        }
        PropertyInfo property = owner.GetType().GetProperty(name, Any);
        if (property != null)
            return property.GetValue(owner, null);
        FieldInfo field = owner.GetType().GetField(name, Any);
        if (field == null)
            throw new MissingMemberException(owner.GetType().FullName, name);
        return field.GetValue(owner);
    }

    static object Shared(Type type, string name)
    {
        PropertyInfo property = type.GetProperty(name, Any);
        if (property != null)
            return property.GetValue(null, null);
        FieldInfo field = type.GetField(name, Any);
        if (field == null)
            throw new MissingMemberException(type.FullName, name);
        return field.GetValue(null);
    }

    static object Call(Type type, object owner, string name, object[] arguments)
    {
        foreach (MethodInfo method in type.GetMethods(Any))
        {
            if (!String.Equals(method.Name, name, StringComparison.OrdinalIgnoreCase) || method.IsStatic != (owner == null))
                continue;
            ParameterInfo[] parameters = method.GetParameters();
            if (parameters.Length < arguments.Length || parameters.Skip(arguments.Length).Any(p => !p.IsOptional))
                continue;
            if (arguments.Where((a, i) => a != null && !parameters[i].ParameterType.IsInstanceOfType(a)).Any())
                continue;
            object[] all = arguments.Concat(parameters.Skip(arguments.Length).Select(p => p.DefaultValue)).ToArray();
            return method.Invoke(owner, all);
        }
        throw new MissingMethodException(type.FullName, name);
    }

    static Type Find(string name)
    {
        foreach (Assembly assembly in AppDomain.CurrentDomain.GetAssemblies())
        {
            Type found = assembly.GetType(name, false, true);
            if (found != null)
                return found;
        }
        throw new TypeLoadException("NICHT NACHGEBILDET: der Typ [" + name + "]");
    }

    static string[] Strings(object list) { return ((IEnumerable)list).Cast<string>().ToArray(); }
}
