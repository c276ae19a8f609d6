package dev.millrace.preflight.login;

import dev.millrace.grants.GrantSql;
import dev.millrace.postgres.Database.Reachability;
import dev.millrace.postgres.Identifier;
import dev.millrace.postgres.Session;
import dev.millrace.preflight.compile.SpecCompiler.CompiledTable;
import dev.millrace.preflight.plan.CheckName;
import dev.millrace.preflight.plan.Finding;
import dev.millrace.preflight.plan.Finding.Status;
import dev.millrace.preflight.plan.Remedy;
import dev.millrace.stream.ReplicationStream.Side;
import dev.millrace.tls.TlsFailure;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Checks the login of comparisons on one side: that it works, that it reads what a comparison
/// reads, and that it can do nothing else. Only reads. Not thread-safe; confined to the thread that
/// owns the session.
///
/// @param side belongs to the caller
/// @param main a session of the login that everything else uses
public record ReconcileLogin(Place place, Side side, Session main) {

    /// The section of the file.
    public enum Place {
        SOURCE("source"),
        TARGET("target");

        private final String word;

        Place(String word) {
            this.word = word;
        }

        String word() {
            return word;
        }

        /// The one of two names that belongs to this side.
        CheckName pick(CheckName ofSource, CheckName ofTarget) {
            return this == SOURCE ? ofSource : ofTarget;
        }

        Remedy sql(String statements) {
            return this == SOURCE ? Remedy.onSource(statements) : Remedy.onTarget(statements);
        }
    }

    /// Judges the logins of those sides on which comparisons have their own.
    ///
    /// @param oneServer whether both sides are known to be on one server
    /// @param tables of the migration that exist on both sides
    /// @throws dev.millrace.postgres.Database.DatabaseFailure if a server does not answer
    public static List<Finding> judge(
            List<ReconcileLogin> logins, boolean oneServer, List<CompiledTable> tables) {
        List<ReconcileLogin> apart =
                logins.stream().filter(login -> login.side().comparesApart()).toList();
        boolean same =
                oneServer
                        && apart.size() > 1
                        && apart.stream().map(ReconcileLogin::role).distinct().count() == 1;
        List<Finding> findings = new ArrayList<>();
        for (ReconcileLogin login : apart) {
            findings.addAll(login.judge(same ? apart.size() : 1, tables));
        }
        return findings;
    }

    private List<Finding> judge(int shares, List<CompiledTable> tables) {
        Finding login = login(side.compared().probe());
        List<Finding> findings = new ArrayList<>(List.of(login));
        if (login.status() == Status.OK) {
            try (Session session = side.compared().session()) {
                findings.addAll(LoginChecks.judge(LoginFacts.read(this, session, tables), shares));
            }
        }
        return findings;
    }

    private String role() {
        return side.compared().username();
    }

    /// The role that everything else connects as, which owns the control schema.
    String owner() {
        return side.database().username();
    }

    private Finding login(Reachability reachability) {
        return switch (reachability) {
            case Reachability.Reached() -> finding(Status.OK, "may log in to compare", Remedy.NONE);
            case Reachability.Unreachable(String why) -> unreachable(why);
            case Reachability.NotTrusted(TlsFailure failure, String why) ->
                    unreachable(failure.what() + ": " + why);
            case Reachability.Busy(String why) -> unreachable(why);
            case Reachability.Failed(String why) -> unreachable(why);
            case Reachability.LoginRefused(String why) -> refused(why);
            case Reachability.DatabaseMissing(String why) -> refused(why);
            case Reachability.NotPermitted(String why) -> refused(why);
        };
    }

    private Finding unreachable(String why) {
        return finding(
                Status.UNREACHABLE,
                "cannot log in now: " + why,
                Remedy.byHand("Try again later. If it persists, check the server's log."));
    }

    /// The server does not tell a client which of these it is.
    private Finding refused(String why) {
        String role = Identifier.quote(role());
        List<List<@Nullable String>> known =
                main.texts(
                        """
                        SELECT r.rolcanlogin, pg_catalog.has_database_privilege(r.oid, current_database(), 'CONNECT'),
                            current_database()
                        FROM pg_catalog.pg_roles r WHERE r.rolname = %s
                        """
                                .formatted(Identifier.literal(role())));
        if (known.isEmpty()) {
            return finding(
                    Status.REFUSED,
                    "is not a role of the server",
                    Remedy.byHand("CREATE ROLE " + role + " LOGIN PASSWORD '...';"));
        }
        List<@Nullable String> facts = known.getFirst();
        if (!"t".equals(facts.get(0))) {
            return finding(
                    Status.REFUSED,
                    "is a role that may not log in",
                    place.sql("ALTER ROLE " + role + " LOGIN;"));
        }
        if (!"t".equals(facts.get(1))) {
            return finding(
                    Status.REFUSED,
                    "has no CONNECT privilege on the database",
                    place.sql(
                            GrantSql.onDatabase("CONNECT", String.valueOf(facts.get(2)), role())));
        }
        return finding(
                Status.MISCONFIGURED,
                "is refused: " + why,
                Remedy.byHand(
                        "Check the password of "
                                + place.word()
                                + ".reconcile, and pg_hba.conf for this host."));
    }

    private Finding finding(Status status, String message, Remedy remedy) {
        return new Finding(
                status,
                place.pick(CheckName.SOURCE_RECONCILE_LOGIN, CheckName.TARGET_RECONCILE_LOGIN),
                "role " + role(),
                message,
                remedy);
    }
}
