package dev.millrace.spec;

import dev.millrace.spec.scalar.Durations;
import dev.millrace.spec.scalar.Scalar;
import dev.millrace.spec.setting.Setting;
import dev.millrace.spec.setting.Setting.AtMostOne;
import dev.millrace.spec.setting.Setting.ExactlyOne;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// The records that bind `switchover`. [SpecForm] has the rules.
record SwitchoverForm(
        @Setting(
                        value =
                                "What refuses writes to the source while the last changes are"
                                        + " applied. lease: triggers, which open by themselves if"
                                        + " Millrace dies. external: your own means, such as a route;"
                                        + " Millrace installs nothing, and a write that reaches the"
                                        + " source is found but not prevented.",
                        pattern = SwitchoverForm.FENCE,
                        standard = "lease",
                        examples = "external")
                @Nullable Scalar fence,
        @Setting(
                        value =
                                "How old the last verdict may be when a switchover begins: 1s to"
                                        + " 24h.",
                        pattern = Durations.PATTERN,
                        standard = "10m",
                        examples = "1h")
                @Nullable Scalar verdictMaxAge,
        @Setting(
                        value =
                                "The largest end-to-end lag when a switchover begins: 1s to 5m, and"
                                        + " less than timeout.",
                        pattern = Durations.PATTERN,
                        standard = "5s",
                        examples = "2s")
                @Nullable Scalar lagBelow,
        @Setting(
                        value =
                                "How long writes may be refused or held before the switchover"
                                        + " returns to the source: 1s to 10m.",
                        pattern = Durations.PATTERN,
                        standard = "30s",
                        examples = "10s")
                @Nullable Scalar timeout,
        @Setting(
                        value =
                                "How long the way back is meant to be kept after the switchover:"
                                        + " 1m to 90d. Nothing is dropped at its end.",
                        pattern = Durations.PATTERN,
                        standard = "14d",
                        examples = "3d")
                @Nullable Scalar reverseWindow,
        @Setting(
                        value =
                                "What moves the traffic of the applications, in this order. A"
                                        + " rollback goes through the list in reverse.",
                        kind = "a list of routes")
                @Nullable List<RouteForm> route) {

    static final String FENCE = "(lease|external)";
    static final String SIDE = "(source|target)";

    @ExactlyOne
    record RouteForm(
            @Setting(
                            value = "A row that the applications read: one UPDATE of one row.",
                            kind = "a mapping with side, table, column, where, old and new")
                    @Nullable FlagForm flag,
            @Setting(
                            value = "One SQL statement in each direction.",
                            kind = "a mapping with side, switch and rollback")
                    @Nullable SqlForm sql,
            @Setting(
                            value =
                                    "A program in each direction, run without a shell. It reads"
                                            + " MILLRACE_MIGRATION, MILLRACE_OPERATION and"
                                            + " MILLRACE_DIRECTION (switch or rollback).",
                            kind = "a mapping with switch, rollback and timeout")
                    @Nullable ExecForm exec,
            @Setting(
                            value =
                                    "A POST request with migration, operation and direction as"
                                            + " JSON, and an Idempotency-Key header.",
                            kind = "a mapping with url, token-file and timeout")
                    @Nullable WebhookForm webhook,
            @Setting(
                            value =
                                    "A database of PgBouncer. Its clients wait while the server is"
                                            + " replaced. It must pool transactions or statements.",
                            kind =
                                    "a mapping with admin, username, password, database, config,"
                                            + " old and new")
                    @Nullable PgBouncerForm pgbouncer) {}

    record FlagForm(
            @Setting(
                            value = "The database that has the table.",
                            required = true,
                            pattern = SwitchoverForm.SIDE,
                            examples = "target")
                    @Nullable Scalar side,
            @Setting(
                            value = "The table: schema.table.",
                            required = true,
                            examples = "public.feature_flag")
                    @Nullable Scalar table,
            @Setting(value = "The column to set.", required = true, examples = "value")
                    @Nullable Scalar column,
            @Setting(
                            value =
                                    "The columns and values that select exactly one row. Leave it"
                                            + " out if the table has exactly one row.",
                            kind = "a mapping from column to value",
                            secret = true)
                    @Nullable Map<Scalar, Scalar> where,
            @Setting(
                            value = "The column's value while the source is used.",
                            required = true,
                            examples = "legacy",
                            secret = true)
                    @Nullable Scalar old,
            @Setting(
                            key = "new",
                            value = "The column's value while the target is used.",
                            required = true,
                            examples = "crm",
                            secret = true)
                    @Nullable Scalar replacement) {}

    record SqlForm(
            @Setting(
                            value = "The database that runs the statement.",
                            required = true,
                            pattern = SwitchoverForm.SIDE,
                            examples = "source")
                    @Nullable Scalar side,
            @Setting(
                            key = "switch",
                            value = "The statement of a switchover.",
                            required = true,
                            examples = "SELECT routing.use('crm')",
                            secret = true)
                    @Nullable Scalar forward,
            @Setting(
                            value = "The statement that undoes it.",
                            required = true,
                            examples = "SELECT routing.use('shop')",
                            secret = true)
                    @Nullable Scalar rollback) {}

    record ExecForm(
            @Setting(
                            key = "switch",
                            value = "The program of a switchover and its arguments.",
                            required = true,
                            kind = "a list of a program and its arguments",
                            examples = {"./route", "crm"},
                            secret = true)
                    @Nullable List<Scalar> forward,
            @Setting(
                            value = "The program that undoes it and its arguments.",
                            required = true,
                            kind = "a list of a program and its arguments",
                            examples = {"./route", "shop"},
                            secret = true)
                    @Nullable List<Scalar> rollback,
            @Setting(
                            value = "How long the program may run: 1s to 5m.",
                            pattern = Durations.PATTERN,
                            standard = "10s",
                            examples = "30s")
                    @Nullable Scalar timeout) {}

    @AtMostOne({"token", "token-file"})
    record WebhookForm(
            @Setting(
                            value = "The URL: https, or http to this machine.",
                            required = true,
                            examples = "https://router.example.com/switch",
                            secret = true)
                    @Nullable Scalar url,
            @Setting(
                            value =
                                    "The bearer token, preferably from the environment. Set at most"
                                            + " one of token and token-file.",
                            examples = "${ROUTER_TOKEN}",
                            secret = true)
                    @Nullable Scalar token,
            @Setting(
                            value =
                                    "A file that contains the bearer token. A newline at its end is"
                                            + " ignored.",
                            examples = "/run/secrets/router-token")
                    @Nullable Scalar tokenFile,
            @Setting(
                            value = "How long the server may take to answer: 1s to 1m.",
                            pattern = Durations.PATTERN,
                            standard = "5s",
                            examples = "10s")
                    @Nullable Scalar timeout) {}

    @AtMostOne({"password", "password-file"})
    record PgBouncerForm(
            @Setting(
                            value =
                                    "PgBouncer's address: host:port, or a JDBC URL without"
                                            + " credentials.",
                            required = true,
                            examples = "pgbouncer:6432")
                    @Nullable Scalar admin,
            @Setting(
                            value = "A user in PgBouncer's admin_users.",
                            required = true,
                            examples = "millrace")
                    @Nullable Scalar username,
            @Setting(
                            value =
                                    "That user's password, preferably from the environment. Set at"
                                            + " most one of password and password-file.",
                            examples = "${PGBOUNCER_PASSWORD}",
                            secret = true)
                    @Nullable Scalar password,
            @Setting(
                            value =
                                    "A file that contains the password. A newline at its end is"
                                            + " ignored.",
                            examples = "/run/secrets/pgbouncer-password")
                    @Nullable Scalar passwordFile,
            @Setting(
                            value = "The database's name in PgBouncer.",
                            required = true,
                            examples = "shop")
                    @Nullable Scalar database,
            @Setting(
                            value =
                                    "The file with the database's line. pgbouncer.ini includes it"
                                            + " with %include, and Millrace can write it.",
                            required = true,
                            examples = "/etc/pgbouncer/databases.ini")
                    @Nullable Scalar config,
            @Setting(
                            value = "The database's connection settings for the source.",
                            required = true,
                            examples = "host=db1 port=5432 dbname=shop")
                    @Nullable Scalar old,
            @Setting(
                            key = "new",
                            value = "The database's connection settings for the target.",
                            required = true,
                            examples = "host=db2 port=5432 dbname=crm")
                    @Nullable Scalar replacement) {}
}
