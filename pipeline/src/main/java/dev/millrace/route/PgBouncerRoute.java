package dev.millrace.route;

import dev.millrace.postgres.SessionFactory;
import dev.millrace.spec.switchover.Switchover.Route;
import dev.millrace.spec.switchover.Switchover.Route.PgBouncer.Server;
import java.io.IOException;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;

/// Replaces the server of one database of PgBouncer. Its clients wait meanwhile: PAUSE lets open
/// transactions end and begins none; the database's line is replaced in the included file; RELOAD
/// and RECONNECT make PgBouncer use it; RESUME lets clients continue. A pause outlives this
/// process, so [#release] must be called after a restart too.
///
/// What PgBouncer says it uses decides the outcome: its RELOAD reports success even if it could not
/// read its files.
final class PgBouncerRoute implements TrafficRoute {

    private static final Duration POLL = Duration.ofMillis(5);
    private static final Duration RETRY = Duration.ofMillis(250);

    private final Route.PgBouncer pool;
    private final SessionFactory sessions;
    private final PoolFile file;
    private final Duration longestHold;
    private final Duration patience;

    /// @param longestHold how long a switchover may hold clients
    /// @param patience how long a lost admin console is tried again, and open transactions on the
    ///   old server are waited for
    PgBouncerRoute(
            String migration, Route.PgBouncer pool, Duration longestHold, Duration patience) {
        this.pool = pool;
        this.sessions =
                new SessionFactory(
                        migration,
                        pool.admin().url(),
                        pool.admin().username(),
                        pool.admin().password()::reveal);
        this.file = new PoolFile(pool.config(), pool.database());
        this.longestHold = longestHold;
        this.patience = patience;
    }

    @Override
    public String name() {
        return "PgBouncer database " + pool.database();
    }

    @Override
    public List<Finding> check(Direction next) {
        return new PgBouncerCheck(pool, sessions, file, longestHold)
                .check(server(next.opposite()), server(next));
    }

    @Override
    public boolean canHold() {
        return true;
    }

    /// The pause counts when PgBouncer has no connection to the server left, whatever it answered.
    @Override
    public Hold hold(Duration limit) {
        Deadline deadline = Deadline.in(limit);
        try (PoolConsole console = open()) {
            console.pause(deadline.left());
            do {
                if (console.connections() == 0) {
                    return new Hold.Held();
                }
            } while (deadline.pause(POLL));
        } catch (SQLException e) {
            return new Hold.NotHeld(
                    name() + ": " + SideTransaction.reason(e) + openTransactions(), release());
        }
        return new Hold.NotHeld(
                name() + ": PAUSE was not effective in time" + openTransactions(), release());
    }

    /// Why a pause was not effective, as far as it can be found out.
    private String openTransactions() {
        try (PoolConsole console = open()) {
            long open = console.connections();
            return open == 0
                    ? ""
                    : "; " + open + " server connections were still used by transactions";
        } catch (SQLException _) {
            return "";
        }
    }

    /// Each round begins again from the file, so a round after a lost connection, or after a kill,
    /// completes what the one before it began.
    @Override
    public Outcome route(Attempt attempt) {
        Server wanted = server(attempt.direction());
        Server other = server(attempt.direction().opposite());
        boolean maybeRead = false;
        String reason;
        Deadline deadline = Deadline.in(patience);
        do {
            try {
                if (file.server().filter(wanted::means).isPresent()) {
                    maybeRead = true;
                } else if (file.server().filter(other::means).isEmpty()) {
                    return refusedLine(maybeRead, other);
                }
                try (PoolConsole console = open()) {
                    file.write(wanted);
                    maybeRead = true;
                    return take(console, wanted, other);
                }
            } catch (IOException _) {
                reason = file.file() + " cannot be read or replaced; let Millrace write its folder";
            } catch (SQLException e) {
                reason = SideTransaction.reason(e);
            }
        } while (deadline.pause(RETRY));
        return maybeRead ? unknown(other, reason) : notRouted(reason);
    }

    private Outcome refusedLine(boolean maybeRead, Server other) {
        String reason = "the line in " + file.file() + " has neither the old nor the new settings";
        return maybeRead ? unknown(other, reason) : notRouted(reason);
    }

    private Outcome take(PoolConsole console, Server wanted, Server other)
            throws SQLException, IOException {
        console.reload();
        console.reconnect();
        if (!console.uses(wanted)) {
            return back(
                    console,
                    other,
                    "PgBouncer did not take the new line; its log says why, or it does not include "
                            + file.file());
        }
        Deadline deadline = Deadline.in(patience);
        do {
            if (console.oldConnections() == 0) {
                return new Outcome.Routed();
            }
        } while (deadline.pause(POLL));
        return back(console, other, "transactions on the old server did not end in time");
    }

    private Outcome back(PoolConsole console, Server other, String reason)
            throws SQLException, IOException {
        file.write(other);
        console.reload();
        console.reconnect();
        return console.uses(other) ? notRouted(reason) : unknown(other, reason);
    }

    /// Clients that wait begin their transactions on the server that PgBouncer uses now.
    @Override
    public Release release() {
        Deadline deadline = Deadline.in(patience);
        String reason;
        do {
            try (PoolConsole console = open()) {
                if (isPaused(console)) {
                    console.resume();
                }
                if (!isPaused(console)) {
                    return new Release.Released();
                }
                reason = "PgBouncer still reports it as paused";
            } catch (SQLException e) {
                reason = SideTransaction.reason(e);
            }
        } while (deadline.pause(RETRY));
        return new Release.NotReleased(
                name() + ": " + reason,
                "Run RESUME " + pool.database() + " on PgBouncer's admin console.");
    }

    private static boolean isPaused(PoolConsole console) throws SQLException {
        return console.pool().filter(PoolConsole.Pool::paused).isPresent();
    }

    private PoolConsole open() throws SQLException {
        return PoolConsole.open(sessions, pool.database());
    }

    private Server server(Direction direction) {
        return direction == Direction.SWITCH ? pool.after() : pool.before();
    }

    private Outcome notRouted(String reason) {
        return new Outcome.NotRouted(name() + ": " + reason);
    }

    private Outcome unknown(Server other, String reason) {
        return new Outcome.Unknown(
                "Which server does "
                        + name()
                        + " use? Run SHOW DATABASES on its admin console: host="
                        + other.value("host").orElse("")
                        + " port="
                        + other.value("port").orElse("5432")
                        + " means not-routed, the other server means routed. The reason: "
                        + reason
                        + ".");
    }
}
