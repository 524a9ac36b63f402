/* When the breaker opens and closes. */
#include "breaker.h"
#include "testing.h"

static void count(struct breaker *b, int failures, int successes)
{
	while (failures-- > 0)
		breaker_count(b, 1, 10);
	while (successes-- > 0)
		breaker_count(b, 0, 10);
}

static void five_failures_in_a_row_open_it_and_four_do_not(void)
{
	struct breaker b = { 0 };

	count(&b, 4, 1);
	count(&b, 4, 0);
	check(!b.is_open && breaker_allows(&b, 10));
	count(&b, 1, 0);
	check(b.is_open && !breaker_allows(&b, 10));
}

static void a_fifth_of_a_hundred_opens_it(void)
{
	struct breaker b = { 0 };

	for (int i = 0; i < 19; i++)
		count(&b, 1, 4);
	count(&b, 0, 5);
	check(!b.is_open);
	count(&b, 0, 1); /* the first failure has left the window */
	for (int i = 0; i < 2; i++)
		count(&b, 1, 0);
	check(b.is_open);
}

static void few_calls_say_little(void)
{
	struct breaker b = { 0 };

	for (int i = 0; i < 24; i++)
		count(&b, 1, 3);
	check(!b.is_open); /* 96 calls */
	count(&b, 0, 4);
	check(b.is_open);
}

static void open_it_lets_one_call_through_a_second(void)
{
	struct breaker b = { 0 };

	count(&b, 5, 0);
	check(!breaker_allows(&b, 10.99) && breaker_allows(&b, 11) && !breaker_allows(&b, 11.5));
	breaker_count(&b, 1, 11.5);
	check(!breaker_allows(&b, 11.9) && breaker_allows(&b, 12.5));
}

static void a_trial_that_goes_well_closes_it_and_forgets(void)
{
	struct breaker b = { 0 };

	count(&b, 30, 0);
	check(breaker_allows(&b, 11));
	breaker_count(&b, 0, 11);
	check(!b.is_open && breaker_allows(&b, 11) && breaker_allows(&b, 11));
	count(&b, 4, 0);
	check(!b.is_open);
}

int main(void)
{
	five_failures_in_a_row_open_it_and_four_do_not();
	a_fifth_of_a_hundred_opens_it();
	few_calls_say_little();
	open_it_lets_one_call_through_a_second();
	a_trial_that_goes_well_closes_it_and_forgets();
	return 0;
}
