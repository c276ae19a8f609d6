package dev.millrace.source;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.text.DecimalFormat;
import java.text.DecimalFormatSymbols;
import java.util.Locale;

/// An amount as PostgreSQL prints `money` under lc_monetary C: `-$1,234.56`.
final class MoneyText {

    private MoneyText() {}

    static String of(BigDecimal amount) {
        DecimalFormat format =
                new DecimalFormat(
                        "$#,##0.00;-$#,##0.00", DecimalFormatSymbols.getInstance(Locale.ROOT));
        format.setRoundingMode(RoundingMode.UNNECESSARY);
        return format.format(amount);
    }
}
