package sendgridtest_test

import "sendgrid-sso-integration/sendgrid"

// teammatesOps are operations that the contract does not have yet.
var teammatesOps = []sendgrid.Op{
	sendgrid.OpCreateTeammate, sendgrid.OpUpdateTeammate, sendgrid.OpListTeammates, sendgrid.OpGetTeammate,
	sendgrid.OpDeleteTeammate, sendgrid.OpListSubuserAccess, sendgrid.OpFindSubuser,
}
