/* The program's entry: everything is in the command line's room. Nothing else may come in here, because
 * unit tests and the library link without this file. */
#include "doors/cli/cli.h"

int main(int argc, char **argv)
{
    return cli_main(argc, argv);
}
