package dev.millrace.preflight.catalog;

import dev.millrace.postgres.Identifier;
import dev.millrace.postgres.Server;
import dev.millrace.postgres.TableFacts.Foreign;
import java.util.List;
import java.util.stream.Collectors;

/// The statements that give a role the rights of the owner of tables. Stateless.
public final class Ownership {

    /// The first version in which a grant of membership can say whether it passes rights on.
    private static final int INHERITING_GRANTS = 16;

    private Ownership() {}

    /// A member of a superuser role could do everything. A superuser loses nothing when its tables
    /// get another owner.
    ///
    /// @param owned tables of one owner
    public static String rights(List<Foreign> owned, Server.Facts server) {
        Server.Role role = server.role();
        String name = Identifier.quote(role.name());
        if (owned.getFirst().ofSuperuser()) {
            return owned.stream()
                    .map(
                            table ->
                                    "ALTER TABLE "
                                            + Identifier.quote(table.id())
                                            + " OWNER TO "
                                            + name
                                            + ";")
                    .collect(Collectors.joining(" "));
        }
        String grant = "GRANT " + Identifier.quote(owned.getFirst().owner()) + " TO " + name;
        if (server.majorVersion() >= INHERITING_GRANTS) {
            return grant + " WITH INHERIT TRUE;";
        }
        return role.inherits() ? grant + ";" : grant + "; ALTER ROLE " + name + " INHERIT;";
    }
}
