package dev.millrace.spec;

import dev.millrace.change.TableId;
import dev.millrace.spec.MigrationSpec.Endpoint;
import dev.millrace.spec.name.TableName;
import dev.millrace.spec.path.FilePaths;
import dev.millrace.spec.scalar.Durations;
import dev.millrace.spec.scalar.Problems;
import dev.millrace.spec.scalar.Scalar;
import dev.millrace.spec.switchover.PoolServer;
import dev.millrace.spec.switchover.Switchover.Route;
import dev.millrace.spec.switchover.Switchover.Route.Exec.Command;
import dev.millrace.spec.switchover.Switchover.Side;
import dev.millrace.spec.switchover.WebhookUrl;
import java.net.URI;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Checks one entry under `switchover.route`. Whether the table, program or pool exists is checked
/// by `plan`.
final class RouteCheck {

    private static final Duration EXEC_TIMEOUT = Duration.ofSeconds(10);
    private static final Duration WEBHOOK_TIMEOUT = Duration.ofSeconds(5);
    private static final String CLIENTS_WAIT = "clients wait or meet a closed database meanwhile";

    private final FilePaths paths;
    private final Problems problems;
    private final Durations durations;

    RouteCheck(FilePaths paths, Problems problems) {
        this.paths = paths;
        this.problems = problems;
        durations = new Durations(problems);
    }

    /// @return null when a problem was reported
    @Nullable Route check(SwitchoverForm.RouteForm form) {
        Route flag = form.flag() == null ? null : flag(form.flag());
        Route sql = form.sql() == null ? null : sql(form.sql());
        Route exec = form.exec() == null ? null : exec(form.exec());
        Route webhook = form.webhook() == null ? null : webhook(form.webhook());
        Route pgbouncer = form.pgbouncer() == null ? null : pgbouncer(form.pgbouncer());
        for (Route route : new @Nullable Route[] {flag, sql, exec, webhook, pgbouncer}) {
            if (route != null) {
                return route;
            }
        }
        return null;
    }

    private @Nullable Route flag(SwitchoverForm.FlagForm form) {
        Side side = side(form.side());
        TableId table = form.table() == null ? null : table(form.table());
        Scalar column = written(form.column(), "name a column of the table");
        Map<String, String> where = new LinkedHashMap<>();
        if (form.where() != null) {
            form.where()
                    .forEach(
                            (key, value) -> {
                                if (key.text().isEmpty()) {
                                    problems.add(key, "is empty", "name a column of the table");
                                }
                                where.put(key.text(), value.text());
                            });
        }
        if (column != null && where.containsKey(column.text())) {
            problems.add(
                    column,
                    "is also a column of where, so the row would not be found again",
                    "select the row by another column");
        }
        Scalar before = form.old();
        Scalar after = form.replacement();
        differ(before, after);
        return side == null || table == null || column == null || before == null || after == null
                ? null
                : new Route.Flag(side, table, column.text(), where, before.text(), after.text());
    }

    private @Nullable Route sql(SwitchoverForm.SqlForm form) {
        Side side = side(form.side());
        Scalar forward = written(form.forward(), "write the statement");
        Scalar rollback = written(form.rollback(), "write the statement that undoes it");
        return side == null || forward == null || rollback == null
                ? null
                : new Route.Sql(side, forward.text(), rollback.text());
    }

    private @Nullable Route exec(SwitchoverForm.ExecForm form) {
        Command forward = form.forward() == null ? null : command(form.forward());
        Command rollback = form.rollback() == null ? null : command(form.rollback());
        Duration timeout =
                durations.within(
                        Duration.ofSeconds(1),
                        Duration.ofMinutes(5),
                        CLIENTS_WAIT,
                        form.timeout(),
                        EXEC_TIMEOUT);
        return forward == null || rollback == null
                ? null
                : new Route.Exec(forward, rollback, timeout);
    }

    /// @param words empty only when that problem was reported
    private @Nullable Command command(List<Scalar> words) {
        for (Scalar word : words) {
            if (word.text().indexOf('\0') >= 0) {
                problems.add(word, "contains a NUL character", "remove it");
                return null;
            }
        }
        if (words.isEmpty()) {
            return null;
        }
        Path program = path(words.getFirst());
        return program == null
                ? null
                : new Command(program, words.stream().skip(1).map(Scalar::text).toList());
    }

    private @Nullable Route webhook(SwitchoverForm.WebhookForm form) {
        Duration timeout =
                durations.within(
                        Duration.ofSeconds(1),
                        Duration.ofMinutes(1),
                        CLIENTS_WAIT,
                        form.timeout(),
                        WEBHOOK_TIMEOUT);
        Secret token =
                new SecretCheck(paths, problems, "token").check(form.token(), form.tokenFile());
        Scalar tokenAt = form.token() == null ? form.tokenFile() : form.token();
        if (token != null && tokenAt != null && !token.reveal().matches("[!-~]*")) {
            problems.add(
                    tokenAt,
                    "is not a bearer token: it contains a blank or a character outside ASCII",
                    "check what is in it");
            token = null;
        }
        Scalar address = form.url();
        URI url = address == null ? null : WebhookUrl.read(address.text(), problems.of(address));
        return url == null || token == null ? null : new Route.Webhook(url, token, timeout);
    }

    private @Nullable Route pgbouncer(SwitchoverForm.PgBouncerForm form) {
        Endpoint admin = new EndpointCheck(paths, problems).check(form);
        Scalar database = written(form.database(), "name a database of PgBouncer");
        if (database != null && !database.text().matches(PoolServer.DATABASE)) {
            problems.add(
                    database,
                    "is not a name that a line under [databases] can have here",
                    "use at most 63 letters, digits, _, - and .");
            database = null;
        }
        Path config = form.config() == null ? null : path(form.config());
        Route.PgBouncer.Server before = server(form.old());
        Route.PgBouncer.Server after = server(form.replacement());
        differ(form.old(), form.replacement());
        return admin == null
                        || database == null
                        || config == null
                        || before == null
                        || after == null
                ? null
                : new Route.PgBouncer(admin, database.text(), config, before, after);
    }

    private Route.PgBouncer.@Nullable Server server(@Nullable Scalar settings) {
        return settings == null ? null : PoolServer.read(settings.text(), problems.of(settings));
    }

    private @Nullable Side side(@Nullable Scalar side) {
        if (side == null) {
            return null;
        }
        return switch (side.text()) {
            case "source" -> Side.SOURCE;
            case "target" -> Side.TARGET;
            default -> {
                problems.add(side, "must be source or target", "");
                yield null;
            }
        };
    }

    private @Nullable TableId table(Scalar table) {
        return switch (TableName.parse(table.text())) {
            case TableName.OneTable(TableId id) -> id;
            case TableName.EveryTable _ -> {
                problems.add(table, "names every table of a schema", "name one table");
                yield null;
            }
            case TableName.Malformed(String message, String remedy) -> {
                boolean asWritten = table.text().equals(table.shown());
                problems.add(table, message, asWritten ? remedy : "write schema.table");
                yield null;
            }
        };
    }

    private void differ(@Nullable Scalar before, @Nullable Scalar after) {
        if (before != null && after != null && before.text().equals(after.text())) {
            problems.add(after, "equals old, so nothing would change", "set it to the new value");
        }
    }

    private @Nullable Scalar written(@Nullable Scalar scalar, String remedy) {
        if (scalar != null && scalar.text().isBlank()) {
            problems.add(scalar, "is empty", remedy);
            return null;
        }
        return scalar;
    }

    private @Nullable Path path(Scalar path) {
        try {
            if (!path.text().isBlank()) {
                return paths.resolve(path.text()).normalize();
            }
            problems.add(path, "is empty", "set it to a path");
        } catch (InvalidPathException _) {
            problems.add(path, "is not a path", "");
        }
        return null;
    }
}
