"""The lab: an AWS in this process, on loopback, with a scripted attack. For demo, training and tests.

moto's server, corrected where the product depends on what real AWS does. Every correction is small, named and tested.
"""

import os

# Read by moto when it is first imported: nobody needs 600 public AMIs in each of 17 regions.
os.environ.setdefault("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")
