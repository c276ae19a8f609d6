package dev.millrace.preflight;

import dev.millrace.postgres.Database.Reachability;
import dev.millrace.tls.TlsFailure;

/// Reports the result of a connection probe as a finding.
final class ReachabilityCheck {

    private ReachabilityCheck() {}

    /// @param side `source` or `target`, the section of the file
    /// @param address without the password
    static Finding judge(String side, String address, Reachability reachability) {
        String check = side + ".reachable";
        return switch (reachability) {
            case Reachability.Reached() -> Finding.ok(check, address, "answers");
            case Reachability.Unreachable(String why) ->
                    Finding.unreachable(
                            check,
                            address,
                            "does not answer: " + why,
                            "Check that the server is running, and check " + side + ".url.");
            case Reachability.NotTrusted(TlsFailure failure, String why) ->
                    Finding.misconfigured(
                            check,
                            address,
                            failure.what() + ": " + why,
                            failure.remedy(side + ".url", "sslrootcert in " + side + ".url"));
            case Reachability.Busy(String why) ->
                    Finding.unreachable(
                            check,
                            address,
                            "accepts no connection now: " + why,
                            "Try again" + " later.");
            case Reachability.LoginRefused(String why) ->
                    Finding.misconfigured(
                            check,
                            address,
                            "refuses the login: " + why,
                            "Check "
                                    + side
                                    + ".username and the password, pg_hba.conf for this host, and"
                                    + " sslmode, sslcert and sslkey in "
                                    + side
                                    + ".url. 'millrace grants --side "
                                    + side
                                    + "' prints the SQL that creates the role.");
            case Reachability.DatabaseMissing(String why) ->
                    Finding.misconfigured(
                            check, address, why, "Check the database name in " + side + ".url.");
            case Reachability.NotPermitted(String why) ->
                    Finding.refused(
                            check,
                            address,
                            why,
                            "Grant the role CONNECT on the database: GRANT"
                                    + " CONNECT ON DATABASE ... TO ...;");
            case Reachability.Failed(String why) ->
                    Finding.unreachable(check, address, why, "Check the server's log.");
        };
    }
}
