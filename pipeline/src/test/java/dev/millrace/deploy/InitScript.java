package dev.millrace.deploy;

import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Converts a psql script to plain SQL. The only supported psql command sets a password from a
/// secret.
final class InitScript {

    private static final Pattern PASSWORD =
            Pattern.compile("(?m)^\\\\set password `cat /run/secrets/([a-z-]+)`$");
    private static final Pattern OTHER = Pattern.compile("(?m)^\\\\|:'(?!password')");

    private InitScript() {}

    /// @param secrets returns the value of a secret
    static String sql(String script, UnaryOperator<String> secrets) {
        Matcher set = PASSWORD.matcher(script);
        String sql = script;
        if (set.find()) {
            String password = secrets.apply(set.group(1)).replace("'", "''");
            sql = set.replaceAll("").replace(":'password'", "'" + password + "'");
        }
        if (OTHER.matcher(sql).find()) {
            throw new IllegalArgumentException("unsupported psql command");
        }
        return sql;
    }
}
