package dev.millrace.preflight;

import dev.millrace.grants.GrantSql;
import dev.millrace.postgres.Database;
import dev.millrace.postgres.Database.Reachability;
import dev.millrace.preflight.plan.CheckName;
import dev.millrace.preflight.plan.Finding;
import dev.millrace.preflight.plan.Remedy;
import dev.millrace.preflight.plan.Remedy.Place;
import dev.millrace.tls.TlsFailure;

/// Reports the result of a connection probe as a finding.
final class ReachabilityCheck {

    private ReachabilityCheck() {}

    /// @param place the side
    static Finding judge(
            CheckName check, Place place, Database database, Reachability reachability) {
        String side = place.id();
        // Without the password.
        String address = database.toString();
        return switch (reachability) {
            case Reachability.Reached() -> Finding.ok(check, address, "answers");
            case Reachability.Unreachable(String why) ->
                    Finding.unreachable(
                            check,
                            address,
                            "does not answer: " + why,
                            Remedy.byHand(
                                    "Check that the server is running, and check "
                                            + side
                                            + ".url."));
            case Reachability.NotTrusted(TlsFailure failure, String why) ->
                    Finding.misconfigured(
                            check,
                            address,
                            failure.what() + ": " + why,
                            Remedy.byHand(
                                    failure.remedy(
                                            side + ".url", "sslrootcert in " + side + ".url")));
            case Reachability.Busy(String why) ->
                    Finding.unreachable(
                            check,
                            address,
                            "accepts no connection now: " + why,
                            Remedy.byHand("Try again later."));
            case Reachability.LoginRefused(String why) ->
                    Finding.misconfigured(
                            check,
                            address,
                            "refuses the login: " + why,
                            Remedy.byHand(
                                    "Check "
                                            + side
                                            + ".username and the password, pg_hba.conf for this"
                                            + " host, and sslmode, sslcert and sslkey in "
                                            + side
                                            + ".url. 'millrace grants --side "
                                            + side
                                            + "' prints the SQL that creates the role."));
            case Reachability.DatabaseMissing(String why) ->
                    Finding.misconfigured(
                            check,
                            address,
                            why,
                            Remedy.byHand("Check the database name in " + side + ".url."));
            case Reachability.NotPermitted(String why) ->
                    Finding.refused(
                            check,
                            address,
                            why,
                            new Remedy(
                                    place,
                                    GrantSql.onDatabase(
                                            "CONNECT", database.name(), database.username())));
            case Reachability.Failed(String why) ->
                    Finding.unreachable(
                            check, address, why, Remedy.byHand("Check the server's log."));
        };
    }
}
