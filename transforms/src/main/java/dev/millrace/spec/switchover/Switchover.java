package dev.millrace.spec.switchover;

import dev.millrace.change.TableId;
import dev.millrace.spec.MigrationSpec.Endpoint;
import dev.millrace.spec.Secret;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/// How a switchover is decided and how the application's traffic is moved. It does not change what
/// the target's rows mean, so it is not part of `SpecHash`: it can be edited between two starts of
/// one migration, and verdicts stay valid. Immutable. Prints no secret, no statement and no value.
///
/// @param verdictMaxAge a gate: how old the last verdict may be when a switchover begins
/// @param lagBelow a gate: the largest end-to-end lag when a switchover begins; below `timeout`
/// @param timeout how long writes may be refused or held before the switchover returns to the
///   source
/// @param reverseWindow how long the way back is meant to be kept after a switchover; at its end
///   the status and an alert say so, and nothing is dropped
/// @param route how traffic is moved, in this order; a rollback goes through them in reverse
public record Switchover(
        Fence fence,
        Duration verdictMaxAge,
        Duration lagBelow,
        Duration timeout,
        Duration reverseWindow,
        List<Route> route) {

    /// The values of an absent `switchover`.
    public static final Switchover DEFAULT =
            new Switchover(
                    Fence.LEASE,
                    Duration.ofMinutes(10),
                    Duration.ofSeconds(5),
                    Duration.ofSeconds(30),
                    Duration.ofDays(14),
                    List.of());

    public Switchover {
        route = List.copyOf(route);
    }

    /// What refuses the application's writes on the side that loses them.
    public enum Fence {
        /// Triggers that read a lease. It ends by itself if this service dies.
        LEASE,

        /// The operator's own means, such as a route; Millrace installs nothing.
        EXTERNAL
    }

    /// One of the two databases of the migration.
    public enum Side {
        SOURCE,
        TARGET
    }

    /// One place that decides which database the application uses.
    public sealed interface Route {

        /// A row that the applications read.
        ///
        /// @param where one value per column; together they match exactly one row. Empty: the table
        ///   has one row.
        /// @param before the column's value while the source is used
        /// @param after the column's value while the target is used
        record Flag(
                Side side,
                TableId table,
                String column,
                Map<String, String> where,
                String before,
                String after)
                implements Route {

            public Flag {
                where = Map.copyOf(where);
            }

            @Override
            public String toString() {
                return "Flag[side=" + side + ", table=" + table + ", column=" + column + "]";
            }
        }

        /// One statement in each direction, alone in its transaction.
        record Sql(Side side, String forward, String rollback) implements Route {

            @Override
            public String toString() {
                return "Sql[side=" + side + "]";
            }
        }

        /// A program, run without a shell and with an environment of a few variables.
        record Exec(Command forward, Command rollback, Duration timeout) implements Route {

            /// @param program absolute
            public record Command(Path program, List<String> arguments) {

                public Command {
                    arguments = List.copyOf(arguments);
                }

                /// The program alone, since an argument may be a secret.
                @Override
                public String toString() {
                    return program.toString();
                }
            }
        }

        /// A POST request.
        ///
        /// @param url `https`, or `http` to this machine; its path and query may contain a secret
        /// @param token sent as bearer token; may be absent
        record Webhook(URI url, Secret token, Duration timeout) implements Route {

            /// `https://host:port`
            public String origin() {
                return url.getScheme() + "://" + url.getRawAuthority();
            }

            @Override
            public String toString() {
                return "Webhook[origin=" + origin() + ", token=" + token + "]";
            }
        }

        /// A database of PgBouncer, which is paused while its server is replaced.
        ///
        /// @param admin PgBouncer's admin console
        /// @param database the name by which clients connect
        /// @param config the file with the database's line, which `pgbouncer.ini` includes;
        ///   absolute
        /// @param before the database's connection settings while the source is used
        /// @param after the database's connection settings while the target is used
        record PgBouncer(Endpoint admin, String database, Path config, Server before, Server after)
                implements Route {

            /// The right side of a line under `[databases]`: settings in the order of the file,
            /// without a password.
            public record Server(List<Setting> settings) {

                /// A value in single quotes has a doubled quote for each that it contains.
                private static final Pattern SETTING =
                        Pattern.compile(
                                "\\s*([a-z_]+)\\s*=\\s*(?:'((?:[^'\\v]|'')*)'|([^\\s']+))(?=\\s|\\z)");

                /// One `name=value`.
                public record Setting(String name, String value) {}

                public Server {
                    settings = List.copyOf(settings);
                }

                /// @return empty when the text is not a list of `name=value`
                public static Optional<Server> parse(String line) {
                    String text = line.strip();
                    List<Setting> settings = new ArrayList<>();
                    Matcher setting = SETTING.matcher(text);
                    int end = 0;
                    while (end < text.length()) {
                        if (!setting.find(end) || setting.start() != end) {
                            return Optional.empty();
                        }
                        end = setting.end();
                        String quoted = setting.group(2);
                        settings.add(
                                new Setting(
                                        setting.group(1),
                                        quoted == null
                                                ? setting.group(3)
                                                : quoted.replace("''", "'")));
                    }
                    return Optional.of(new Server(settings));
                }

                /// The value of a setting.
                public Optional<String> value(String name) {
                    return settings.stream()
                            .filter(setting -> setting.name().equals(name))
                            .map(Setting::value)
                            .findFirst();
                }

                /// Whether both have the same settings, in any order.
                public boolean means(Server other) {
                    return settings.size() == other.settings.size()
                            && Set.copyOf(settings).equals(Set.copyOf(other.settings));
                }

                /// As PgBouncer reads it.
                public String line() {
                    return settings.stream()
                            .map(
                                    setting ->
                                            setting.name()
                                                    + "="
                                                    + (setting.value().matches("[^\\s']+")
                                                            ? setting.value()
                                                            : "'"
                                                                    + setting.value()
                                                                            .replace("'", "''")
                                                                    + "'"))
                            .collect(Collectors.joining(" "));
                }
            }
        }
    }
}
