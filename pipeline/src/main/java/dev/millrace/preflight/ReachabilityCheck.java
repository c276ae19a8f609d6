package dev.millrace.preflight;

import dev.millrace.postgres.Database.Reachability;

/// Puts what a probe found into a finding.
final class ReachabilityCheck {

    private ReachabilityCheck() {}

    /// @param side `source` or `target`, as the file has it
    /// @param address without the password
    static Finding judge(String side, String address, Reachability reachability) {
        String check = side + ".reachable";
        return switch (reachability) {
            case Reachability.Reached() -> Finding.ok(check, address, "answers");
            case Reachability.Unreachable(String why) ->
                    Finding.unreachable(
                            check,
                            address,
                            "doesn't answer: " + why,
                            "is it running, and does " + side + ".url name it right?");
            case Reachability.Busy(String why) ->
                    Finding.unreachable(
                            check, address, "takes no session now: " + why, "try again later");
            case Reachability.LoginRefused(String why) ->
                    Finding.misconfigured(
                            check,
                            address,
                            "doesn't let us in: " + why,
                            "check "
                                    + side
                                    + ".username and the password, and pg_hba.conf for this host");
            case Reachability.DatabaseMissing(String why) ->
                    Finding.misconfigured(
                            check, address, why, "check the database's name in " + side + ".url");
            case Reachability.NotPermitted(String why) ->
                    Finding.refused(
                            check, address, why, "GRANT CONNECT ON DATABASE ... TO the role");
            case Reachability.Failed(String why) ->
                    Finding.unreachable(check, address, why, "look into the server's log");
        };
    }
}
