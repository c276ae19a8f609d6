package dev.millrace.deploy;

import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// A script for psql, made plain SQL: of psql's own means only a password out of a secret is in
/// use.
final class InitScript {

    private static final Pattern PASSWORD =
            Pattern.compile("(?m)^\\\\set password `cat /run/secrets/([a-z-]+)`$");
    private static final Pattern OTHER = Pattern.compile("(?m)^\\\\|:'(?!password')");

    private InitScript() {}

    /// @param secrets gives a secret's value by its name
    static String sql(String script, UnaryOperator<String> secrets) {
        Matcher set = PASSWORD.matcher(script);
        String sql = script;
        if (set.find()) {
            String password = secrets.apply(set.group(1)).replace("'", "''");
            sql = set.replaceAll("").replace(":'password'", "'" + password + "'");
        }
        if (OTHER.matcher(sql).find()) {
            throw new IllegalArgumentException("means of psql that are not known here");
        }
        return sql;
    }
}
