package org.objmapper.bench;

import java.util.function.DoubleFunction;

/**
 * A load at twice the rate that the server has just reached, whether it keeps up or not. Rows compare it with that rate.
 *
 * @param peak a closed loop
 * @param offered an open loop at a rate
 */
record Overload(Side peak, DoubleFunction<Side> offered) implements Side {
    @Override
    public Sample measure(Lab lab) throws Exception {
        double most = peak.measure(lab).figures().get(Figure.REQUESTS);
        return offered.apply(2 * most).measure(lab);
    }
}
