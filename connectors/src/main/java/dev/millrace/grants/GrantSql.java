package dev.millrace.grants;

import dev.millrace.change.TableId;
import dev.millrace.postgres.Identifier;
import java.util.Collection;
import java.util.stream.Collectors;

/// The statements that give a role what Millrace needs: the remedies of `plan` and the output of
/// `grants` have the same texts. Each ends with a semicolon. Roles, schemas and databases are names
/// as PostgreSQL stores them. Stateless.
public final class GrantSql {

    /// What apply does to a table of the target.
    public static final String WRITE = "SELECT, INSERT, UPDATE, DELETE";

    /// The first version in which the right to set a server parameter can be granted.
    public static final int PARAMETER_GRANTS = 15;

    private GrantSql() {}

    /// @param privileges as SQL lists them
    public static String onTable(String privileges, TableId table, String role) {
        return onTable(privileges, Identifier.quote(table), role);
    }

    /// @param table as SQL names it
    static String onTable(String privileges, String table, String role) {
        return "GRANT " + privileges + " ON " + table + to(role);
    }

    static String onTables(String privileges, String schema, String role) {
        return "GRANT "
                + privileges
                + " ON ALL TABLES IN SCHEMA "
                + Identifier.quote(schema)
                + to(role);
    }

    public static String usage(String schema, String role) {
        return "GRANT USAGE ON SCHEMA " + Identifier.quote(schema) + to(role);
    }

    public static String createIn(String schema, String role) {
        return "GRANT CREATE ON SCHEMA " + Identifier.quote(schema) + to(role);
    }

    /// @param privilege such as CONNECT
    public static String onDatabase(String privilege, String database, String role) {
        return "GRANT " + privilege + " ON DATABASE " + Identifier.quote(database) + to(role);
    }

    /// Lets the role see the sessions of others.
    public static String activity(String role) {
        return member("pg_read_all_stats", role);
    }

    public static String member(String group, String role) {
        return "GRANT " + Identifier.quote(group) + to(role);
    }

    public static String replication(String role) {
        return "ALTER ROLE " + Identifier.quote(role) + " REPLICATION;";
    }

    public static String seesAllRows(String role) {
        return "ALTER ROLE " + Identifier.quote(role) + " BYPASSRLS;";
    }

    /// The schema in which Millrace keeps its state.
    public static String controlSchema(String owner) {
        return "CREATE SCHEMA millrace AUTHORIZATION " + Identifier.quote(owner) + ";";
    }

    /// Lets a role read the tables of the control schema that exist.
    public static String readControl(String role) {
        return onTables("SELECT", "millrace", role);
    }

    /// Lets a role read the tables of the control schema that its owner creates later.
    public static String readControlLater(String owner, String role) {
        return "ALTER DEFAULT PRIVILEGES FOR ROLE "
                + Identifier.quote(owner)
                + " IN SCHEMA millrace GRANT SELECT ON TABLES"
                + to(role);
    }

    /// Lets a role write rows without firing triggers. Before version 15, only a superuser may.
    ///
    /// @param majorVersion of the server
    public static String replicaRole(String role, int majorVersion) {
        return majorVersion >= PARAMETER_GRANTS
                ? "GRANT SET ON PARAMETER session_replication_role" + to(role)
                : "ALTER ROLE " + Identifier.quote(role) + " SUPERUSER;";
    }

    private static String to(String role) {
        return " TO " + Identifier.quote(role) + ";";
    }

    /// Runs a statement if the server says that it is needed. The condition and the statement are
    /// PL/pgSQL.
    static String onlyIf(String condition, String statement) {
        return block("", "    IF " + condition + " THEN\n        " + statement + "\n    END IF;");
    }

    /// Runs a statement for each row of a query.
    ///
    /// @param body of the loop, in which `r` is the row
    static String forEach(String query, Collection<String> body) {
        return block(
                "DECLARE\n    r record;\n",
                "    FOR r IN "
                        + query
                        + "\n    LOOP\n"
                        + body.stream()
                                .map(line -> "        " + line)
                                .collect(Collectors.joining("\n"))
                        + "\n    END LOOP;");
    }

    /// The text between the quotes contains names of the file, so the quotes must not occur in it.
    private static String block(String declarations, String body) {
        String quote = "$millrace$";
        for (int i = 1; body.contains(quote); i++) {
            quote = "$millrace" + i + "$";
        }
        return "DO " + quote + "\n" + declarations + "BEGIN\n" + body + "\nEND " + quote + ";";
    }

    /// A PL/pgSQL statement that runs this SQL.
    static String execute(String sql) {
        return "EXECUTE " + Identifier.literal(sql) + ";";
    }

    /// A PL/pgSQL statement that runs a template of `format`.
    ///
    /// @param argument an expression, for the first place; the role is for the second
    static String format(String template, String argument, String role) {
        return "EXECUTE format("
                + Identifier.literal(template)
                + ", "
                + argument
                + ", "
                + Identifier.literal(role)
                + ");";
    }
}
