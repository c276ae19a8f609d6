package dev.millrace.preflight.security;

import dev.millrace.postgres.Identifier;
import dev.millrace.postgres.Session;
import dev.millrace.preflight.plan.CheckName;
import dev.millrace.preflight.plan.Finding;
import dev.millrace.preflight.plan.Findings;
import dev.millrace.preflight.plan.Findings.Measured;
import dev.millrace.preflight.plan.Remedy;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Checks how the sessions of one side are protected: whether rows and passwords cross a network
/// unencrypted, and how the server made sure of the login. Only reads, and only warns.
///
/// @param session of the login that migrates
/// @param url as the file has it
public record SessionSecurity(Side side, Session session, String url) {

    /// The section of the file.
    public enum Side {
        SOURCE(CheckName.SOURCE_TLS, CheckName.SOURCE_AUTHENTICATION),
        TARGET(CheckName.TARGET_TLS, CheckName.TARGET_AUTHENTICATION);

        private final CheckName tls;
        private final CheckName authentication;

        Side(CheckName tls, CheckName authentication) {
            this.tls = tls;
            this.authentication = authentication;
        }

        private String word() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /// Who sees the network traffic, or the server's files, knows the password or can guess it; or
    /// nothing was asked.
    private static final Set<String> WEAK = Set.of("trust", "password", "md5", "ident");

    /// The first version in which a session can tell how it was authenticated.
    private static final int TELLS_AUTHENTICATION = 16;

    private static final String SESSION =
            """
            SELECT coalesce(s.ssl, false),
                coalesce(pg_catalog.inet_client_addr() <<= '127.0.0.0/8'
                    OR pg_catalog.inet_client_addr() = '::1', true),
                s.version,
                current_setting('server_version_num')::int / 10000,
                pg_catalog.host(pg_catalog.inet_client_addr()), pg_catalog.current_database(), current_user
            FROM (VALUES (1)) AS one
            LEFT JOIN pg_catalog.pg_stat_ssl s ON s.pid = pg_catalog.pg_backend_pid()
            """;

    public List<Finding> judge() {
        List<@Nullable String> row = session.texts(SESSION).getFirst();
        List<Finding> findings = new ArrayList<>();
        findings.addAll(tls(is(row, 0), is(row, 1), row.get(2)));
        boolean tells = Integer.parseInt(String.valueOf(row.get(3))) >= TELLS_AUTHENTICATION;
        findings.addAll(
                tells
                        ? authentication(method(), text(row, 4), text(row, 5), text(row, 6))
                        : List.of(
                                Finding.ok(
                                        side.authentication,
                                        "login",
                                        "before version 16 the server does not tell how it checked"
                                                + " the login")));
        return findings;
    }

    private List<Finding> tls(boolean encrypted, boolean local, @Nullable String version) {
        Findings findings = new Findings(side.tls);
        String object = side.word() + ".url";
        if (encrypted) {
            return findings.orOk(
                    object, new Measured(String.valueOf(version), "TLS"), "sessions are encrypted");
        }
        if (!local) {
            findings.warn(
                    object,
                    new Measured("not encrypted", "TLS"),
                    "the sessions cross a network unencrypted, with every row",
                    Remedy.inFile("%s: {url: '%s'}".formatted(side.word(), verified(url)))
                            .note(
                                    "The driver reads the certificate of the authority from"
                                            + " ~/.postgresql/root.crt, or from sslrootcert of the"
                                            + " URL."));
        }
        return findings.orOk(object, "sessions stay on this machine");
    }

    /// The same URL, with which a session begins only after the server has proved its name.
    static String verified(String url) {
        String others = url.replaceAll("sslmode=[^&]*&?", "").replaceAll("[?&]$", "");
        return others + (others.contains("?") ? "&" : "?") + "sslmode=verify-full";
    }

    /// Without a login there is nothing to tell: the server asked for none.
    private String method() {
        String user = session.texts("SELECT system_user").getFirst().getFirst();
        return user == null ? "trust" : user.replaceFirst(":.*", "");
    }

    private List<Finding> authentication(
            String method, String address, String database, String role) {
        Findings findings = new Findings(side.authentication);
        Measured measured = new Measured(method, "scram-sha-256");
        if (WEAK.contains(method)) {
            findings.warn(
                    "role " + role,
                    measured,
                    method.equals("trust")
                            ? "the server asks this role for no password"
                            : "the server allows the method "
                                    + method
                                    + ", in which a password can be read or guessed from what the"
                                    + " network carries",
                    Remedy.byHand(
                            "In pg_hba.conf of the %s, before the line that matches now: host %s %s %s/%d scram-sha-256 Then: SELECT pg_reload_conf();"
                                    .formatted(
                                            side.word(),
                                            Identifier.quote(database),
                                            Identifier.quote(role),
                                            address,
                                            address.contains(":") ? 128 : 32)));
        }
        return findings.orOk("role " + role, measured, "the server checks the login");
    }

    private static boolean is(List<@Nullable String> row, int column) {
        return "t".equals(row.get(column));
    }

    private static String text(List<@Nullable String> row, int column) {
        return String.valueOf(row.get(column));
    }
}
