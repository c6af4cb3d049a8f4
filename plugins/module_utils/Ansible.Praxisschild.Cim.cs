// Copyright: Praxisschild contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

using System;
using System.Collections.Generic;
using System.Linq;
using System.Management;

//AssemblyReference -Name System.Management.dll -CLR Framework

namespace Ansible.Praxisschild.Cim
{
    /// <summary>What Windows tells of itself through CIM: names of classes and properties are the same in every language.</summary>
    public interface ICim
    {
        /// <summary>
        /// Properties of what a WQL query finds, by name; null if this Windows has no such namespace or class, as a server has no
        /// SecurityCenter2.
        /// </summary>
        List<Dictionary<string, object>> Query(string scope, string wql);
    }

    /// <summary>Where the snapshot asks. A stand-in for Windows puts its own here.</summary>
    public static class CimSource
    {
        public static ICim Current = new WindowsCim();
    }

    public class WindowsCim : ICim
    {
        // a provider that hangs must not keep the whole snapshot
        private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

        public List<Dictionary<string, object>> Query(string scope, string wql)
        {
            EnumerationOptions options = new EnumerationOptions { Timeout = Patience, ReturnImmediately = true, Rewindable = false };
            try
            {
                using (ManagementObjectSearcher searcher = new ManagementObjectSearcher(new ManagementScope(scope), new ObjectQuery(wql), options))
                using (ManagementObjectCollection found = searcher.Get())
                    return found.Cast<ManagementBaseObject>().Select(one => one.Properties.Cast<PropertyData>()
                        .ToDictionary(property => property.Name, property => property.Value)).ToList();
            }
            catch (ManagementException error)
            {
                if (error.ErrorCode == ManagementStatus.InvalidNamespace || error.ErrorCode == ManagementStatus.InvalidClass
                    || error.ErrorCode == ManagementStatus.NotFound)
                    return null;
                throw;
            }
        }
    }
}
